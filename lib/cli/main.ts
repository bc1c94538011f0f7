#!/usr/bin/env node
// Before anything of the application is loaded: its decorators write with it.
import 'reflect-metadata';

import { pathToFileURL } from 'node:url';

import { run } from './run.js';

// Standard output is for the map alone, and libraries write there while they are loaded, such as dotenv.
const writeOut = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

// What the application begins in the background, such as a connection, may fail without ending the command: what it is
// made of fails where it is awaited.
process.on('unhandledRejection', () => undefined);

let isAnswered = false;
process.once('exit', () => {
  if (isAnswered) return;
  process.stderr.write('The application has ended the process, or waits for something that never answers.\n');
  process.exitCode = 1;
});

void run(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  out: (line) => void writeOut(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  load: (file) => import(pathToFileURL(file).href),
}).then((exitCode) => {
  isAnswered = true;
  // Applications leave timers and connections behind, which must not keep the command; what is written is let out first.
  process.stderr.write('', () => writeOut('', () => process.exit(exitCode)));
});
