import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { LocalClerk } from '../../lib/testing/index.js';
import { GraphqlSampleModule } from '../../sample/graphql/graphql.module.js';
import { operations } from '../../sample/graphql/operations.js';
import { seed } from '../../sample/local-clerk.js';

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

  it('answers every line that it prints as printed', async () => {
    const lines = operations(await app.getUrl(), await seed(clerk, 'http://localhost:3000'));
    const answers: [string, string][] = [];
    for (const line of lines) {
      const [command = '', comment = ''] = line.split(' # ');
      const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
      const after = (flag: string) => words.filter((_word, index) => words[index - 1] === flag);
      const headers = Object.fromEntries(after('-H').map((header) => header.split(': ') as [string, string]));
      const answer = await fetch(words.at(-1)!, { method: 'POST', headers, body: after('-d')[0] });
      const { data, errors } = (await answer.json()) as { data?: unknown; errors?: { extensions: { code: string } }[] };
      answers.push([comment.split(':')[0]!, errors ? errors[0]!.extensions.code : data ? 'data' : 'nothing']);
    }
    expect(answers).toHaveLength(5);
    for (const [printed, given] of answers) expect(given).toBe(printed);
  });
});
