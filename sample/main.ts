import 'reflect-metadata';

import { Logger } from '@nestjs/common';

import { toScript } from './commands.js';
import { curlCommands } from './local-clerk.js';
import { origins } from './origins.js';
import { ensureFree, run } from './run.js';
import { startSample } from './start.js';

async function bootstrap(): Promise<void> {
  await ensureFree(origins().port);
  const { local } = await startSample();
  const { api, frontend } = origins();
  const logger = new Logger('Sample');
  if (!local) {
    logger.log(`Listening on ${api}, protected by your Clerk instance.`);
    return;
  }
  logger.log(`Listening on ${api}, protected by a local Clerk: no CLERK_SECRET_KEY is set.`);
  logger.log(`Open it in a browser to sign in. A frontend on another origin is at ${frontend}.`);
  logger.log('Or paste these into a shell; above each is what it answers.');
  // Bare lines, not log lines: they are to be pasted.
  process.stdout.write(`\n${toScript(local.callers, curlCommands(api))}\n\n`);
}

run(bootstrap);
