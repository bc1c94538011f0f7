import type { INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';

import { LocalClerk } from '../../lib/testing/index.js';
import { seed, type Callers } from '../../sample/local-clerk.js';
import { AppModule } from '../../sample/microservice/app.module.js';
import { Client } from '../../sample/microservice/client.js';
import { freePort } from '../support/redis.js';

describe('the microservice sample', () => {
  let clerk: LocalClerk;
  let callers: Callers;
  let app: INestMicroservice;
  let client: Client;
  const environment = { ...process.env };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    Object.assign(process.env, clerk.env);
    callers = await seed(clerk, 'http://localhost');
    const port = await freePort();
    const options: MicroserviceOptions = { transport: Transport.TCP, options: { port } };
    app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, { ...options, logger: false });
    await app.listen();
    client = new Client(port);
  });
  afterAll(async () => {
    process.env = environment;
    client?.close();
    await Promise.all([app?.close(), clerk?.stop()]);
  });

  it('answers each caller according to its rights', async () => {
    const data = { customer: 'Night Library' };
    const { ada, grace, m2m } = callers;
    expect(await client.send('invoices.rates')).toEqual({ vatInPercent: 19 });
    expect(await client.send('invoices.list')).toMatchObject({ statusCode: 401, code: 'authentication-required' });
    expect(await client.send('invoices.list', { token: ada })).toMatch(/^the invoices of user_/);
    expect(await client.send('invoices.list', { token: m2m })).toMatchObject({ statusCode: 401 });
    expect(await client.send('invoices.create', { data, token: ada })).toMatchObject({
      ...data,
      owner: expect.stringMatching(/^org_/),
    });
    expect(await client.send('invoices.create', { data, token: grace })).toMatchObject({ statusCode: 403 });
    expect(await client.send('invoices.export', { token: m2m })).toMatch(/^all invoices/);
    expect(await client.send('invoices.export', { token: ada })).toMatchObject({ statusCode: 401 });
  });
});
