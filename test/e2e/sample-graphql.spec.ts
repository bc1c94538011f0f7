import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { LocalClerk } from '../../lib/testing/index.js';
import { toScript } from '../../sample/commands.js';
import { GraphqlSampleModule } from '../../sample/graphql/graphql.module.js';
import { operations } from '../../sample/graphql/operations.js';
import { seed } from '../../sample/local-clerk.js';
import { commentsIn, paste } from '../support/pasted.js';

describe('the GraphQL sample', () => {
  let clerk: LocalClerk;
  let app: INestApplication;
  const environment = { ...process.env };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    Object.assign(process.env, clerk.env);
    app = await NestFactory.create<INestApplication>(GraphqlSampleModule, { logger: false });
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    process.env = environment;
    await Promise.all([app?.close(), clerk?.stop()]);
  });

  it('answers every printed command with the printed result', async () => {
    const { ada, grace } = await seed(clerk, 'http://localhost:3000');
    const script = toScript({ ada, grace }, operations(await app.getUrl()));
    expect(commentsIn(script)).toEqual([]);
    const answers: [string, string][] = [];
    for (const { answer, url, init } of await paste(script)) {
      const response = await fetch(url, init);
      const { data, errors } = (await response.json()) as {
        data?: unknown;
        errors?: { extensions: { code: string } }[];
      };
      answers.push([answer.split(':')[0]!, errors ? errors[0]!.extensions.code : data ? 'data' : 'nothing']);
    }
    expect(answers).toHaveLength(5);
    for (const [printed, given] of answers) expect(given).toBe(printed);
  });
});
