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
  const logCall = async (who: string, pattern: string, token?: string) =>
    logger.log(
      `${who} ${pattern}: ${JSON.stringify(await client.send(pattern, { data: { customer: 'Night Library' }, token }))}`,
    );
  await logCall('No one', 'invoices.rates');
  await logCall('No one', 'invoices.list');
  await logCall('Ada', 'invoices.list', ada);
  await logCall('Ada', 'invoices.create', ada);
  await logCall('Grace', 'invoices.create', grace);
  await logCall('A machine', 'invoices.export', m2m);
  client.close();
}

run(bootstrap);
