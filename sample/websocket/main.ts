import 'reflect-metadata';

import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { LocalClerk } from 'nest-clerk/testing';

import { toScript } from '../commands.js';
import { seed } from '../local-clerk.js';
import { origins } from '../origins.js';
import { ensureFree, run } from '../run.js';
import { ChatModule } from './chat.module.js';
import { messages } from './messages.js';

async function bootstrap(): Promise<void> {
  await ensureFree(origins().port);
  const clerk = process.env.CLERK_SECRET_KEY ? undefined : await LocalClerk.start();
  Object.assign(process.env, clerk?.env);
  const app = await NestFactory.create(ChatModule);
  app.useWebSocketAdapter(new IoAdapter(app));
  app.enableShutdownHooks();
  const { api, port } = origins();
  await app.listen(port);
  new Logger('Sample').log(`Listening for socket.io at ${api}.`);
  if (!clerk) return;
  const { ada, grace } = await seed(clerk, api);
  // Written without a log prefix, so that the lines can be pasted into a shell.
  process.stdout.write(`\n${toScript({ ada, grace }, messages(api))}\n\n`);
}

run(bootstrap);
