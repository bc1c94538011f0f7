import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { LocalClerk } from '../../lib/testing/index.js';
import { AppModule } from '../../sample/app.module.js';
import { curlLines, seed, type Callers } from '../../sample/local-clerk.js';
import { origins } from '../../sample/origins.js';
import { PLATFORMS } from '../support/platforms.js';

/** What a shell makes of one of the printed lines, as far as they use it. */
function parse(line: string) {
  const [command = '', comment = ''] = line.split(' # ');
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  const after = (flag: string) => words.filter((_word, index) => words[index - 1] === flag);
  const headers = Object.fromEntries(after('-H').map((header) => header.split(': ') as [string, string]));
  return {
    program: words[0],
    url: words.at(-1)!,
    init: { method: after('-X')[0] ?? 'GET', headers, body: after('-d')[0] },
    status: Number(comment.slice(0, 3)),
  };
}

describe.each(PLATFORMS)('the sample on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: INestApplication;
  let lines: string[];
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
    lines = curlLines(origin, callers);
  });
  afterAll(async () => {
    process.env = environment;
    await Promise.all([app?.close(), clerk?.stop()]);
  });

  it('prints lines to paste, each starting with curl and saying what it answers', () => {
    expect(lines.map(parse).map(({ program, status }) => `${program} ${status}`)).toEqual([
      'curl 200',
      'curl 200',
      'curl 200',
      'curl 401',
      'curl 403',
      'curl 200',
      'curl 201',
      'curl 200',
      'curl 200',
      'curl 401',
      'curl 401',
    ]);
  });

  it('answers every line as printed', async () => {
    for (const line of lines) {
      const { url, init, status } = parse(line);
      expect([line.split(' # ')[1], (await fetch(url, init)).status]).toEqual([line.split(' # ')[1], status]);
    }
  });

  it('still does when they are pasted much later', async () => {
    const soon = Date.now() + 10 * 60_000;
    jest.useFakeTimers({
      now: soon,
      doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'setInterval', 'queueMicrotask'],
    });
    try {
      const { url, init, status } = parse(lines[2]!);
      expect((await fetch(url, init)).status).toBe(status);
    } finally {
      jest.useRealTimers();
    }
  });

  it('shows each organization its own invoices, and the caller as Clerk knows her', async () => {
    const json = async (line: string) => (await fetch(parse(line).url, parse(line).init)).json() as Promise<any>;
    const ofAcme = await json(lines[2]!);
    expect(new Set(ofAcme.map((invoice: any) => invoice.organization))).toEqual(new Set(['acme']));
    expect(await json(lines[5]!)).toMatchObject({
      name: 'Grace Hopper',
      email: 'grace@globex.test',
      organization: 'globex',
    });
    expect(await json(lines[7]!)).toEqual(ofAcme);
    expect((await json(lines[8]!)).length).toBeGreaterThan(ofAcme.length);
  });

  it('streams to who is signed in, and ends', async () => {
    const { url, init } = parse(lines[1]!);
    const stream = await (await fetch(url, init)).text();
    expect(stream.match(/^data: .*"for":"user_/gm)).toHaveLength(3);
    expect((await fetch(url)).status).toBe(401);
  });

  it('refuses a draft that is no invoice', async () => {
    const { url, init } = parse(lines[6]!);
    for (const body of ['{}', '[]', '{"customer":" ","amountInCents":1}', '{"customer":"A","amountInCents":1.5}']) {
      expect((await fetch(url, { ...init, body })).status).toBe(400);
    }
  });

  it('serves its page, what belongs to it, and no other file', async () => {
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

  it('tells its page who is signed in', async () => {
    const session = async (token?: string) =>
      (await fetch(`${origin}/session`, { headers: token ? { authorization: `Bearer ${token}` } : {} })).json();
    expect(await session()).toEqual({ clerkUrl: clerk.url, user: null });
    expect(await session(callers.ada)).toMatchObject({
      user: { name: 'Ada Lovelace' },
      organization: 'acme',
      organizations: [
        { name: 'Globex', slug: 'globex' },
        { name: 'Acme', slug: 'acme' },
      ],
    });
  });
});
