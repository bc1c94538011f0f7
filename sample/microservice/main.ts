import 'reflect-metadata';

import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { LocalClerk } from 'nest-clerk/testing';

import { seed } from '../local-clerk.js';
import { ensureFree, run } from '../run.js';
import { AppModule } from './app.module.js';
import { Client } from './client.js';

async function bootstrap(): Promise<void> {
  const port = Number(process.env.PORT || 3010);
  await ensureFree(port, 'localhost');
  const clerk = process.env.CLERK_SECRET_KEY ? undefined : await LocalClerk.start();
  Object.assign(process.env, clerk?.env);
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
    transport: Transport.TCP,
    options: { port },
  });
  await app.listen();
  const logger = new Logger('Sample');
  logger.log(`A microservice listens on TCP port ${port}, protected by ${clerk ? 'a local Clerk' : 'your instance'}.`);
  if (!clerk) return;

  const { ada, grace, m2m } = await seed(clerk, 'http://localhost');
  const client = new Client(port);
  const say = async (who: string, pattern: string, token?: string) =>
    logger.log(
      `${who} ${pattern}: ${JSON.stringify(await client.send(pattern, { data: { customer: 'Night Library' }, token }))}`,
    );
  await say('No one', 'invoices.rates');
  await say('No one', 'invoices.list');
  await say('Ada', 'invoices.list', ada);
  await say('Ada', 'invoices.create', ada);
  await say('Grace', 'invoices.create', grace);
  await say('A machine', 'invoices.export', m2m);
  client.close();
}

run(bootstrap);
