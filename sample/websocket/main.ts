import 'reflect-metadata';

import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { LocalClerk } from 'nest-clerk/testing';

import { seed } from '../local-clerk.js';
import { origins } from '../origins.js';
import { ChatModule } from './chat.module.js';

async function bootstrap(): Promise<void> {
  const clerk = process.env.CLERK_SECRET_KEY ? undefined : await LocalClerk.start();
  Object.assign(process.env, clerk?.env);
  const app = await NestFactory.create(ChatModule);
  app.useWebSocketAdapter(new IoAdapter(app));
  app.enableShutdownHooks();
  const { api, port } = origins();
  await app.listen(port);
  new Logger('Sample').log(`Sockets of socket.io are welcome at ${api}.`);
  if (!clerk) return;
  const { ada, grace } = await seed(clerk, api);
  const line = (token: string, event: string) =>
    `node --input-type=module -e "import { io } from 'socket.io-client'; io('${api}', { auth: { token: '${token}' } }).onAny((...said) => console.log(...said)).emit('${event}', 'Hello')"`;
  const lines = [
    `${line(ada, 'say')} # said: Ada is signed in`,
    `${line(grace, 'announce')} # exception 403: Grace lacks org:invoices:create at Globex`,
    `${line('', 'say')} # exception 401, and the end: nobody is signed in`,
  ];
  // Bare lines, not log lines: they are to be pasted.
  process.stdout.write(`\n${lines.join('\n\n')}\n\n`);
}

void bootstrap();
