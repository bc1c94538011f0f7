import { connect, type Socket } from 'node:net';

import { LocalClerk, LocalClerkError } from '../../../lib/testing/index.js';
import { bearing, call, decoded, sdkOf } from './support.js';

describe('LocalClerk', () => {
  const started: LocalClerk[] = [];
  const start = async (...args: Parameters<typeof LocalClerk.start>) => {
    const clerk = await LocalClerk.start(...args);
    started.push(clerk);
    return clerk;
  };
  afterEach(() => Promise.all(started.splice(0).map((clerk) => clerk.stop())));

  describe('start()', () => {
    it('listens on 127.0.0.1 with new keys for each instance', async () => {
      const [one, other] = [await start(), await start()];
      expect(one.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(one.secretKey).toMatch(/^sk_test_\w{42}$/);
      expect(one.jwtKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
      for (const name of ['url', 'secretKey', 'publishableKey', 'issuer', 'jwtKey', 'keyId'] as const) {
        expect(one[name]).not.toBe(other[name]);
      }
    });

    it('creates a publishable key from which Clerk’s SDK derives the issuer', async () => {
      const clerk = await start();
      expect(clerk.issuer).toMatch(/^https:\/\/local-\w{10}\.clerk\.accounts\.dev$/);
      // A cookie is valid only if its issuer is the host in the publishable key.
      const cookie = `__session=${await clerk.sessionToken()}; __client_uat=1; __clerk_db_jwt=dvb_1`;
      const state = await sdkOf(clerk).authenticateRequest(
        new Request('http://localhost:4000/', { headers: { cookie } }),
      );
      expect(state).toMatchObject({ isAuthenticated: true, publishableKey: clerk.publishableKey });
    });

    it('provides options for the module and Clerk’s SDK, without jwtKey', async () => {
      const clerk = await start();
      expect(clerk.options).toEqual({
        publishableKey: clerk.publishableKey,
        secretKey: clerk.secretKey,
        apiUrl: clerk.url,
        proxyUrl: clerk.url,
        signInUrl: `${clerk.url}/sign-in`,
        signUpUrl: `${clerk.url}/sign-up`,
        telemetry: { disabled: true },
      });
    });

    it('provides the same settings as environment variables', async () => {
      const clerk = await start();
      expect(clerk.env).toEqual({
        CLERK_PUBLISHABLE_KEY: clerk.publishableKey,
        CLERK_SECRET_KEY: clerk.secretKey,
        CLERK_API_URL: clerk.url,
        CLERK_PROXY_URL: clerk.url,
        CLERK_SIGN_IN_URL: `${clerk.url}/sign-in`,
        CLERK_TELEMETRY_DISABLED: '1',
      });
    });

    it('listens on a given port, and rejects with port-unavailable if that is in use', async () => {
      const first = await start();
      const port = Number(new URL(first.url).port);
      await expect(start({ port })).rejects.toMatchObject({
        name: 'LocalClerkError',
        code: 'port-unavailable',
        message: expect.stringContaining(`127.0.0.1:${port}`),
      });
      await first.stop();
      expect((await start({ port })).url).toBe(first.url);
    });

    it('rejects with the code production when NODE_ENV is production', async () => {
      const before = process.env.NODE_ENV;
      process.env.NODE_ENV = 'production';
      try {
        const thrown = await LocalClerk.start().catch((error: unknown) => error);
        expect(thrown).toBeInstanceOf(LocalClerkError);
        expect(thrown).toMatchObject({ code: 'production', message: expect.stringContaining('CLERK_SECRET_KEY') });
      } finally {
        process.env.NODE_ENV = before;
      }
    });
  });

  describe('stop()', () => {
    it('can be called several times, also concurrently', async () => {
      const clerk = await start();
      await Promise.all([clerk.stop(), clerk.stop()]);
      await clerk.stop();
      await expect(fetch(clerk.url)).rejects.toThrow('fetch failed');
    });

    it('closes hanging requests and idle connections', async () => {
      const clerk = await start();
      clerk.outage('hang');
      const hanging = fetch(clerk.url).catch((error: Error) => error.message);
      const idle = await new Promise<Socket>((resolve) => {
        const socket = connect(Number(new URL(clerk.url).port), '127.0.0.1', () => resolve(socket));
      });
      const closed = new Promise((resolve) =>
        idle
          .on('close', resolve)
          .on('error', () => undefined)
          .resume(),
      );
      while (clerk.requests.length === 0) await new Promise(setImmediate);
      await clerk.stop();
      expect(await hanging).toBe('fetch failed');
      await closed;
    });

    it('closes a request whose body never arrives', async () => {
      const clerk = await start();
      const socket = connect(Number(new URL(clerk.url).port), '127.0.0.1');
      const closed = new Promise((resolve) => socket.on('close', resolve).on('error', () => undefined));
      socket.write(
        `POST /v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${clerk.secretKey}\r\nContent-Length: 100\r\n\r\n{`,
      );
      while (clerk.requests.length === 0) await new Promise(setImmediate);
      await clerk.stop();
      await closed;
      expect(clerk.requests).toMatchObject([{ method: 'POST', path: '/v1/users', status: undefined }]);
    });
  });

  describe('reset()', () => {
    it('removes all data and outages, and keeps the keys and the port', async () => {
      const clerk = await start();
      const user = clerk.createUser();
      const organization = clerk.createOrganization();
      clerk.addMember({ organization, user });
      const session = clerk.createSession({ user });
      const machine = clerk.createMachine();
      clerk.createJwtTemplate({ name: 'supabase' });
      const key = clerk.createApiKey({ subject: user });
      const m2m = await clerk.createM2MToken({ machine });
      const token = await clerk.sessionToken({ session });
      await call(clerk, '/v1/jwks');
      clerk.outage({ status: 500 });
      const { url, secretKey, publishableKey, jwtKey } = clerk;

      clerk.reset();

      expect(clerk.requests).toEqual([]);
      expect({ url, secretKey, publishableKey, jwtKey }).toEqual({
        url: clerk.url,
        secretKey: clerk.secretKey,
        publishableKey: clerk.publishableKey,
        jwtKey: clerk.jwtKey,
      });
      for (const path of [`/v1/users/${user.id}`, `/v1/organizations/${organization.id}`]) {
        expect((await call(clerk, path)).status).toBe(404);
      }
      expect((await call(clerk, `/v1/sessions/${session.id}`)).status).toBe(404);
      expect((await call(clerk, '/v1/machines')).json).toEqual({ data: [], total_count: 0 });
      expect((await call(clerk, '/v1/jwt_templates')).json).toEqual([]);
      expect((await call(clerk, '/m2m_tokens', { key: machine.secret_key })).status).toBe(401);
      for (const ref of [key.secret, m2m.id]) expect(() => clerk.revoke(ref)).toThrow('no such session');
      expect((await sdkOf(clerk).authenticateRequest(bearing(token))).isAuthenticated).toBe(true);
    });
  });

  describe('requests', () => {
    it('are recorded with method, path, status and time, without query, body and credentials', async () => {
      const clerk = await start();
      await call(clerk, '/v1/users?query=ada');
      await call(clerk, '/v1/users', { method: 'POST', body: '{"first_name":"Ada","username":"ada"}' });
      await call(clerk, '/v1/nothing');
      expect(clerk.requests).toEqual([
        { method: 'GET', path: '/v1/users', status: 200, at: expect.any(Number) },
        { method: 'POST', path: '/v1/users', status: 200, at: expect.any(Number) },
        { method: 'GET', path: '/v1/nothing', status: 404, at: expect.any(Number) },
      ]);
      expect(clerk.countRequests()).toBe(3);
      expect(clerk.countRequests('/v1/users')).toBe(2);
      expect(clerk.countRequests('/api_keys')).toBe(0);
    });
  });

  describe('with unknown IDs', () => {
    it.each<[string, (clerk: LocalClerk) => unknown, string]>([
      ['a user', (clerk) => clerk.createSession({ user: 'user_x' }), 'createUser()'],
      [
        'an organization',
        (clerk) => clerk.addMember({ organization: 'org_x', user: 'user_x' }),
        'createOrganization()',
      ],
      ['a session', (clerk) => clerk.sessionToken({ session: 'sess_x' }), 'createSession()'],
      ['a machine', (clerk) => clerk.createM2MToken({ machine: 'mch_x' }), 'createMachine()'],
      ['a scoped machine', (clerk) => clerk.createMachine({ scopedMachines: ['mch_x'] }), 'createMachine()'],
      ['a JWT template', (clerk) => clerk.templateToken({ template: 'x' }), 'createJwtTemplate()'],
      ['the subject of an API key', (clerk) => clerk.createApiKey({ subject: 'org_x' }), 'createUser()'],
      ['a session to revoke', (clerk) => clerk.revoke('sess_x'), 'createSession()'],
    ])('throws unknown-resource for %s and names the method that creates one', async (_, use, maker) => {
      const clerk = await start();
      await expect((async () => use(clerk))()).rejects.toMatchObject({
        code: 'unknown-resource',
        message: expect.stringContaining(maker),
      });
    });
  });

  describe('signing keys', () => {
    const kids = async (clerk: LocalClerk) =>
      (await call(clerk, '/v1/jwks')).json.keys.map(({ kid }: { kid: string }) => kid);

    it('are published as public RSA keys', async () => {
      const clerk = await start();
      const { json } = await call(clerk, '/v1/jwks');
      expect(json).toEqual({
        keys: [{ use: 'sig', kty: 'RSA', alg: 'RS256', kid: clerk.keyId, n: expect.any(String), e: 'AQAB' }],
      });
      expect(clerk.keyId).toMatch(/^ins_\w{27}$/);
    });

    it('can be rotated: the former key stays published until retireKey(), and Clerk then rejects it', async () => {
      const clerk = await start();
      const former = clerk.keyId;
      const pem = clerk.jwtKey;
      const before = await clerk.sessionToken();
      const current = clerk.rotateKey();
      expect(clerk.keyId).toBe(current);
      expect(clerk.jwtKey).not.toBe(pem);
      expect(await kids(clerk)).toEqual([current, former]);
      expect(decoded(await clerk.sessionToken()).header.kid).toBe(current);
      for (const token of [before, await clerk.sessionToken({ key: 'rotated' }), await clerk.sessionToken()]) {
        expect((await sdkOf(clerk).authenticateRequest(bearing(token))).isAuthenticated).toBe(true);
      }

      clerk.retireKey(former);
      expect(await kids(clerk)).toEqual([current]);
      const late = await clerk.sessionToken({ key: 'rotated' });
      expect(decoded(late).header.kid).toBe(former);
      // Another spelling of the URL, since Clerk's SDK caches keys by URL.
      const state = await sdkOf(clerk, { apiUrl: `${clerk.url}/` }).authenticateRequest(bearing(late));
      expect(state).toMatchObject({ isAuthenticated: false, reason: 'jwk-kid-mismatch' });
    });

    it('stay published when retireKey() gets the current or an unknown key ID', async () => {
      const clerk = await start();
      clerk.retireKey(clerk.keyId);
      clerk.retireKey('ins_unknown');
      expect(await kids(clerk)).toEqual([clerk.keyId]);
    });

    it('throw not-rotated when a token is signed with the rotated key before the first rotation', async () => {
      const clerk = await start();
      expect(() => clerk.sign({ claims: {}, key: 'rotated' })).toThrow(
        expect.objectContaining({ code: 'not-rotated', message: expect.stringContaining('rotateKey()') }),
      );
    });
  });
});
