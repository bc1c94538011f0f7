import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { LocalClerk } from '../../lib/testing/index.js';
import { AppModule } from '../../sample/app.module.js';
import { toScript } from '../../sample/commands.js';
import { curlCommands, seed, type Callers } from '../../sample/local-clerk.js';
import { origins } from '../../sample/origins.js';
import { commentsIn, paste, type Pasted } from '../support/pasted.js';
import { PLATFORMS } from '../support/platforms.js';

describe.each(PLATFORMS)('the sample on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: INestApplication;
  let script: string;
  let pasted: Pasted[];
  let origin: string;
  let callers: Callers;
  const environment = { ...process.env };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    Object.assign(process.env, clerk.env);
    app = await NestFactory.create(AppModule, platform(), { logger: false });
    await app.listen(0, '127.0.0.1');
    origin = await app.getUrl();
    callers = await seed(clerk, origins().api);
    script = toScript(callers, curlCommands(origin));
    pasted = await paste(script);
  });
  afterAll(async () => {
    process.env = environment;
    await Promise.all([app?.close(), clerk?.stop()]);
  });

  it('prints commands with their expected status, without comments, and each token once', () => {
    expect(pasted.map(({ answer }) => answer.slice(0, 3))).toEqual([
      '200',
      '200',
      '200',
      '401',
      '403',
      '200',
      '201',
      '200',
      '200',
      '401',
      '401',
    ]);
    expect(commentsIn(script)).toEqual([]);
    // Each token appears once, in a variable.
    for (const token of Object.values(callers)) expect(script.split(token)).toHaveLength(2);
  });

  it('answers every command with the printed status', async () => {
    for (const { answer, url, init } of pasted) {
      expect([answer, (await fetch(url, init)).status]).toEqual([answer, Number(answer.slice(0, 3))]);
    }
  });

  it('answers a command with 200 ten minutes later', async () => {
    const soon = Date.now() + 10 * 60_000;
    jest.useFakeTimers({
      now: soon,
      doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'setInterval', 'queueMicrotask'],
    });
    try {
      const { url, init } = pasted[2]!;
      expect((await fetch(url, init)).status).toBe(200);
    } finally {
      jest.useRealTimers();
    }
  });

  it('returns the invoices of the caller’s organization only, and the caller’s profile', async () => {
    const json = async ({ url, init }: Pasted) => (await fetch(url, init)).json() as Promise<any>;
    const ofAcme = await json(pasted[2]!);
    expect(new Set(ofAcme.map((invoice: any) => invoice.organization))).toEqual(new Set(['acme']));
    expect(await json(pasted[5]!)).toMatchObject({
      name: 'Grace Hopper',
      email: 'grace@globex.test',
      organization: 'globex',
    });
    expect(await json(pasted[7]!)).toEqual(ofAcme);
    expect((await json(pasted[8]!)).length).toBeGreaterThan(ofAcme.length);
  });

  it('streams three events to a signed-in caller, and returns 401 without a token', async () => {
    const { url, init } = pasted[1]!;
    const stream = await (await fetch(url, init)).text();
    expect(stream.match(/^data: .*"for":"user_/gm)).toHaveLength(3);
    expect((await fetch(url)).status).toBe(401);
  });

  it('returns 400 for an invalid invoice', async () => {
    const { url, init } = pasted[6]!;
    for (const body of ['{}', '[]', '{"customer":" ","amountInCents":1}', '{"customer":"A","amountInCents":1.5}']) {
      expect((await fetch(url, { ...init, body })).status).toBe(400);
    }
  });

  it('serves its page and assets, and returns 404 for other files', async () => {
    const get = (path: string) => fetch(`${origin}${path}`);
    for (const path of ['/', '/orgs/acme', '/personal']) {
      expect(await (await get(path)).text()).toContain('<h1>nest-clerk sample</h1>');
    }
    for (const name of ['home.js', 'clerk-browser.js', 'routes.js', 'style.css']) {
      expect((await get(`/assets/${name}`)).headers.get('content-type')).toMatch(/^text\/(javascript|css)/);
    }
    for (const name of ['other.js', '..%2Fapp.module.ts', 'constructor']) {
      expect((await get(`/assets/${name}`)).status).toBe(404);
    }
  });

  it('returns the signed-in user and the organizations at /session', async () => {
    const session = async (token?: string) =>
      (await fetch(`${origin}/session`, { headers: token ? { authorization: `Bearer ${token}` } : {} })).json();
    expect(await session()).toEqual({ clerkUrl: clerk.url, frontendUrl: origins().frontend, user: null });
    expect(await session(callers.ada)).toMatchObject({
      user: { name: 'Ada Lovelace' },
      organization: 'acme',
      organizations: [
        { name: 'Globex', slug: 'globex' },
        { name: 'Acme', slug: 'acme' },
      ],
    });
  });

  it.each(['http://localhost:3000', 'http://127.0.0.1:3000', 'http://localhost:3001', 'http://127.0.0.1:3001'])(
    'accepts session tokens of its page at %s',
    async (authorizedParty) => {
      const authorization = `Bearer ${await clerk.sessionToken({ authorizedParty })}`;
      expect((await fetch(`${origin}/invoices`, { headers: { authorization } })).status).toBe(200);
    },
  );

  it('returns 401 origin-not-allowed for session tokens of other origins', async () => {
    const authorization = `Bearer ${await clerk.sessionToken({ authorizedParty: 'http://localhost:3002' })}`;
    const answer = await fetch(`${origin}/invoices`, { headers: { authorization } });
    expect(await answer.json()).toMatchObject({ statusCode: 401, code: 'origin-not-allowed' });
  });
});
