// Only what an old Node can parse: see launch.mjs.
import { launch } from './launch.mjs';

launch(() => import('./testBrowserCommand.mjs'));
