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
  logger.log('Or paste these commands into a shell. The expected response is above each of them.');
  // Written without a log prefix, so that the lines can be pasted into a shell.
  process.stdout.write(`\n${toScript(local.callers, curlCommands(api))}\n\n`);
}

run(bootstrap);
