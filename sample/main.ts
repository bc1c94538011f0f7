import 'reflect-metadata';

import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LocalClerk } from 'nest-clerk/testing';

import { AppModule } from './app.module.js';
import { curlLines, seed, type Callers } from './local-clerk.js';

/** Without keys there is no Clerk to ask, so one is started here, and the environment pointed at it. */
async function startLocalClerk(): Promise<Callers> {
  const clerk = await LocalClerk.start();
  Object.assign(process.env, clerk.env);
  return seed(clerk);
}

async function bootstrap(): Promise<void> {
  const callers = process.env.CLERK_SECRET_KEY ? undefined : await startLocalClerk();
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks();
  const port = process.env.PORT || 3000;
  await app.listen(port);

  const origin = `http://localhost:${port}`;
  const logger = new Logger('Sample');
  if (!callers) {
    logger.log(`Listening on ${origin}, protected by your Clerk instance.`);
    return;
  }
  logger.log(`Listening on ${origin}, protected by a local Clerk: no CLERK_SECRET_KEY is set.`);
  logger.log('Paste these into a shell; behind the # is what each answers.');
  // Bare lines, not log lines: they are to be pasted.
  process.stdout.write(`\n${curlLines(origin, callers).join('\n\n')}\n\n`);
}

void bootstrap();
