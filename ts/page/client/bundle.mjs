import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * `node bundle.mjs FOLDER`: the page's program and style, each in one file: FOLDER/client.js and FOLDER/client.css.
 * Licences of what is bundled stay in them.
 */
const licence = `/*! uPlot\n${readFileSync(fileURLToPath(import.meta.resolve('uplot/LICENSE')), 'utf8').trim()}\n*/`;

await build({
  entryPoints: ['client.ts', 'client.css'].map((name) => fileURLToPath(new URL(name, import.meta.url))),
  outdir: process.argv[2],
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
  charset: 'utf8',
  banner: { js: licence, css: licence },
  logLevel: 'warning',
});
