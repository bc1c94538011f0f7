import 'reflect-metadata';

import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LocalClerk } from 'nest-clerk/testing';

import { toScript } from '../commands.js';
import { seed } from '../local-clerk.js';
import { origins } from '../origins.js';
import { ensureFree, run } from '../run.js';
import { GraphqlSampleModule } from './graphql.module.js';
import { operations } from './operations.js';

async function bootstrap(): Promise<void> {
  const { api, port } = origins();
  await ensureFree(port);
  const local = process.env.CLERK_SECRET_KEY ? undefined : await LocalClerk.start();
  if (local) Object.assign(process.env, local.env);
  const app = await NestFactory.create(GraphqlSampleModule);
  await app.listen(port);
  new Logger('Sample').log(`Listening on ${api}/graphql, protected by ${local ? 'a local Clerk' : 'your instance'}.`);
  if (!local) return;
  const { ada, grace } = await seed(local, api);
  // Written without a log prefix, so that the lines can be pasted into a shell.
  process.stdout.write(`\n${toScript({ ada, grace }, operations(api))}\n\n`);
}

run(bootstrap);
