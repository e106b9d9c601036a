#!/usr/bin/env node
// Only what an old Node can parse: see launch.mjs.
import { launch } from './launch.mjs';

launch(() => import('./rzeroCommand.mjs'));
