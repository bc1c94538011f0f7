/** Server-sent events: a caller is authenticated once, and a stream can end when its session token expires. */
import { request } from 'node:http';

import { Controller, Get, Sse } from '@nestjs/common';
import { interval, map, Observable, of } from 'rxjs';

import {
  AcceptsToken,
  Auth,
  Public,
  RequireAuth,
  RequirePermission,
  SkipAuth,
  type AuthObject,
  type ClerkModuleOptions,
} from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';
import { describeTruthTable, FRONTEND, PERMISSION, type Ask } from '../support/truth-table.js';

/** The number of open streams. */
let open = 0;
function ticks(name: string | null): Observable<{ data: string }> {
  return new Observable((subscriber) => {
    open += 1;
    const events = interval(50).pipe(map(() => ({ data: `for ${name}` })));
    subscriber.add(events.subscribe(subscriber));
    return () => void (open -= 1);
  });
}

@Controller()
class Streams {
  @Sse('session') session(@Auth('userId') userId: string) {
    return ticks(userId);
  }
  @Sse('promised') async promised(@Auth('userId') userId: string) {
    return ticks(userId);
  }
  @Public() @Sse('public') public(@Auth('userId') userId: string | null) {
    return ticks(userId);
  }
  @AcceptsToken('m2m_token') @Sse('machine') machine(@Auth('subject') subject: string) {
    return ticks(subject);
  }
  @Get('plain') plain() {
    return { plain: true };
  }
}

const who = ({ isAuthenticated }: AuthObject) => of({ data: { isAuthenticated } });

@Controller()
class TruthTableStreams {
  @Sse('default') default(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @RequireAuth() @Sse('require-auth') requireAuth(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @RequirePermission(PERMISSION) @Sse('permission') permission(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @Public() @Sse('public') public(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @AcceptsToken('api_key') @Sse('api-key') apiKey(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @Public() @AcceptsToken('api_key') @Sse('public-api-key') publicApiKey(@Auth() auth: AuthObject) {
    return who(auth);
  }
  @SkipAuth() @Sse('skip-auth') skipAuth() {
    return of({ data: { isAuthenticated: null } });
  }
}

/** Reads a stream for `forMs`, unless it ends earlier. */
function read(app: TestApp, path: string, token: string | undefined, forMs: number) {
  return new Promise<{ status: number; text: string; ended: boolean }>((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const sent = request({ host: '127.0.0.1', port: app.port, path, headers, agent: false }, (response) => {
      let text = '';
      const settle = (ended: boolean) => resolve({ status: response.statusCode!, text, ended });
      const leave = setTimeout(() => (settle(false), sent.destroy()), forMs);
      response.on('data', (chunk: Buffer) => void (text += chunk.toString()));
      response.on('end', () => (clearTimeout(leave), settle(true)));
      response.on('error', () => undefined);
    });
    sent.on('error', reject).end();
  });
}

describe.each(PLATFORMS)('a stream on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;
  beforeAll(async () => void (clerk = await LocalClerk.start()));
  afterEach(() => app?.close());
  afterAll(() => clerk?.stop());

  async function start(options: ClerkModuleOptions): Promise<void> {
    app = await TestApp.on(platform)
      .clerk({ ...clerk.options, clockSkewInMs: 0, ...options })
      .controllers(Streams)
      .start();
  }
  const shortLived = () => clerk.sessionToken({ expiresIn: 2 }); // whole seconds: at least one is left
  async function nothingIsOpen(): Promise<void> {
    for (let turn = 0; open > 0 && turn < 100; turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(open).toBe(0);
  }

  it.each(['/session', '/promised', '/public'])(
    'at %s ends when the session token expires, with endStreamsOnExpiry',
    async (path) => {
      await start({ endStreamsOnExpiry: true });
      const { status, text, ended } = await read(app, path, await shortLived(), 6_000);
      expect([status, ended]).toEqual([200, true]);
      expect(text).toMatch(/data: for user_/);
      await nothingIsOpen();
    },
  );

  it('does not end for a signed-out caller or a machine, with endStreamsOnExpiry', async () => {
    await start({ endStreamsOnExpiry: true });
    const { token } = await clerk.createM2MToken({ machine: clerk.createMachine() });
    const [anonymous, machine] = await Promise.all([
      read(app, '/public', undefined, 1_300),
      read(app, '/machine', token, 1_300),
    ]);
    expect([anonymous!.ended, machine!.ended]).toEqual([false, false]);
    await nothingIsOpen();
  });

  it('does not end on expiry without endStreamsOnExpiry, and is authenticated once', async () => {
    await start({ debug: true });
    const { text, ended } = await read(app, '/session', await shortLived(), 2_300);
    expect(ended).toBe(false);
    expect(text.match(/data:/g)!.length).toBeGreaterThan(5);
    expect(app.logger.ofGuard('log')).toHaveLength(1);
    await nothingIsOpen();
  });

  it('returns 401 before it starts without credentials, and other routes are unaffected', async () => {
    await start({ endStreamsOnExpiry: true });
    expect((await app.send('/session')).status).toBe(401);
    expect((await app.withToken('/plain', await clerk.sessionToken())).body).toEqual({ plain: true });
    expect(open).toBe(0);
  });
});

describe.each(PLATFORMS)('the truth table of streams on %s:', (_, platform) => {
  let clerk: LocalClerk;
  let other: LocalClerk;
  let app: TestApp;
  beforeAll(async () => {
    [clerk, other] = await Promise.all([LocalClerk.start(), LocalClerk.start()]);
    app = await TestApp.on(platform)
      .clerk({ ...clerk.options, authorizedParties: [FRONTEND], endStreamsOnExpiry: true })
      .controllers(TruthTableStreams)
      .start();
  });
  afterAll(() => Promise.all([app?.close(), clerk?.stop(), other?.stop()]));

  const ask: Ask = async (route, headers) => {
    const { status, body } = await app.send(`/${route}`, headers);
    if (status !== 200) return { code: body.code };
    return JSON.parse(/^data: (.*)$/m.exec(body)![1]!);
  };
  describeTruthTable(() => ({ clerk, other }), ask);
});
