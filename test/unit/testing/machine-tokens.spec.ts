import type { ClerkClient } from '@clerk/backend';

import { LocalClerk, type MachineTokenOptions } from '../../../lib/testing/index.js';
import { bearing, call, clerkError, decoded, sdkOf } from './support.js';

type Kind = 'api_key' | 'm2m_token' | 'oauth_token';
interface CreatedToken {
  readonly id: string;
  readonly text: string;
}

describe('machine tokens of the local Clerk', () => {
  let clerk: LocalClerk;
  let sdk: ClerkClient;
  beforeAll(async () => {
    clerk = await LocalClerk.start();
    sdk = sdkOf(clerk);
  });
  afterAll(() => clerk.stop());
  beforeEach(() => clerk.reset());

  const state = (text: string, acceptsToken: Kind | 'any', client = sdk) =>
    client.authenticateRequest(bearing(text), { acceptsToken });

  const make = {
    'an API key': async (options?: MachineTokenOptions): Promise<CreatedToken> => {
      const { id, secret } = clerk.createApiKey({ subject: clerk.createUser(), ...options });
      return { id, text: secret };
    },
    'an opaque M2M token': async (options?: MachineTokenOptions): Promise<CreatedToken> => {
      const { id, token } = await clerk.createM2MToken({ machine: clerk.createMachine(), ...options });
      return { id, text: token };
    },
    'an M2M JWT': async (options?: MachineTokenOptions): Promise<CreatedToken> => {
      const { id, token } = await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt', ...options });
      return { id, text: token };
    },
    'an opaque OAuth token': async (options?: MachineTokenOptions): Promise<CreatedToken> => {
      const { id, token } = await clerk.createOAuthToken({ user: clerk.createUser(), ...options });
      return { id, text: token };
    },
    'an OAuth JWT': async (options?: MachineTokenOptions): Promise<CreatedToken> => {
      const { id, token } = await clerk.createOAuthToken({ user: clerk.createUser(), format: 'jwt', ...options });
      return { id, text: token };
    },
  };
  const opaque = [
    ['an API key', 'api_key', '/api_keys/verify'],
    ['an opaque M2M token', 'm2m_token', '/m2m_tokens/verify'],
    ['an opaque OAuth token', 'oauth_token', '/oauth_applications/access_tokens/verify'],
  ] as const;
  const jwts = [
    ['an M2M JWT', 'm2m_token'],
    ['an OAuth JWT', 'oauth_token'],
  ] as const;

  it.each([...opaque.map(([what, kind]) => [what, kind] as const), ...jwts])(
    '%s is accepted only where its type is accepted',
    async (what, kind) => {
      const { id, text } = await make[what]({ scopes: ['read', 'write'], secondsUntilExpiration: 60 });
      for (const accepted of [kind, 'any'] as const) {
        const answer = await state(text, accepted);
        expect(answer).toMatchObject({ isAuthenticated: true, tokenType: kind });
        expect(answer.toAuth()).toMatchObject({ id, tokenType: kind, scopes: ['read', 'write'] });
      }
      const wrong = kind === 'api_key' ? 'm2m_token' : 'api_key';
      expect(await state(text, wrong)).toMatchObject({ isAuthenticated: false, reason: 'token-type-mismatch' });
      expect(await sdk.authenticateRequest(bearing(text))).toMatchObject({ isAuthenticated: false });
    },
  );

  it.each(opaque)('%s is verified by a call for each request, and denied once revoked', async (what, kind, path) => {
    for (const by of ['id', 'text'] as const) {
      const made = await make[what]();
      clerk.reset();
      const again = await make[what]();
      expect((await state(again.text, kind)).isAuthenticated).toBe(true);
      expect((await state(again.text, kind)).isAuthenticated).toBe(true);
      expect(clerk.countRequests(path)).toBe(2);
      clerk.revoke(again[by]);
      expect(await state(again.text, kind)).toMatchObject({ isAuthenticated: false, reason: 'token-invalid' });
      expect(() => clerk.revoke(made.id)).toThrow('no such session or machine token');
    }
  });

  it.each(opaque)(
    '%s is denied when expired, unknown, or sent to the endpoint of another type',
    async (what, kind, path) => {
      const expired = await make[what]({ secondsUntilExpiration: -1 });
      const made = await make[what]();
      expect(await state(expired.text, kind)).toMatchObject({ isAuthenticated: false, reason: 'token-invalid' });
      expect(await state(`${made.text}x`, kind)).toMatchObject({ isAuthenticated: false, reason: 'token-invalid' });
      for (const [, , elsewhere] of opaque.filter(([, , other]) => other !== path)) {
        const body = JSON.stringify({ secret: made.text, token: made.text, access_token: made.text });
        const answer = await call(clerk, elsewhere, { method: 'POST', body });
        expect(answer).toMatchObject({ status: 404, json: { errors: [{ code: 'token_not_found' }] } });
      }
      expect((await call(clerk, path, { method: 'POST', body: '{}' })).json.errors[0].code).toBe('form_param_missing');
    },
  );

  it.each(opaque)('%s with a wrong secret key results in secret-key-invalid', async (what, kind) => {
    const wrongKey = sdkOf(clerk, { secretKey: 'sk_test_stranger' });
    const { text } = await make[what]();
    expect(await state(text, kind, wrongKey)).toMatchObject({ isAuthenticated: false, reason: 'secret-key-invalid' });
  });

  it.each(jwts)(
    '%s is denied when expired, forged or of another category, and cannot be revoked',
    async (what, kind) => {
      const expired = await make[what]({ secondsUntilExpiration: -60 });
      expect(await state(expired.text, kind)).toMatchObject({ isAuthenticated: false });
      const other = await LocalClerk.start();
      const forged = { format: 'jwt', key: other } as const;
      const tokens = [
        await clerk.createM2MToken({ machine: clerk.createMachine(), ...forged }),
        await clerk.createOAuthToken({ user: clerk.createUser(), ...forged }),
        await clerk.createM2MToken({
          machine: clerk.createMachine(),
          format: 'jwt',
          header: { cat: 'cl_B7d4PD111AAA' },
        }),
      ];
      await other.stop();
      for (const { token } of tokens) expect((await state(token, kind)).isAuthenticated).toBe(false);

      const good = await make[what]();
      for (const ref of [good.id, good.text]) {
        expect(() => clerk.revoke(ref)).toThrow(expect.objectContaining({ code: 'not-revocable' }));
      }
      expect((await state(good.text, kind)).isAuthenticated).toBe(true);
      expect(clerk.countRequests('/m2m_tokens') + clerk.countRequests('/oauth_applications')).toBe(0);
    },
  );

  describe('API keys', () => {
    it('can have a user or an organization as their subject', async () => {
      const [user, organization] = [clerk.createUser(), clerk.createOrganization({ id: 'acme' })];
      const ofUser = clerk.createApiKey({ subject: user, claims: { tier: 1 }, createdBy: user, description: 'mine' });
      expect(ofUser).toMatchObject({ name: 'key', created_by: user.id, description: 'mine', expiration: null });
      expect(ofUser.id).toMatch(/^ak_[0-9a-f]{32}$/);
      expect((await state(ofUser.secret, 'api_key')).toAuth()).toMatchObject({
        userId: user.id,
        orgId: null,
        claims: { tier: 1 },
      });
      const ofOrganization = clerk.createApiKey({ subject: 'acme', name: 'deploy' });
      expect(ofOrganization.subject).toBe(organization.id);
    });

    it('can be created, read, verified, revoked and listed over HTTP', async () => {
      const user = clerk.createUser();
      const made = await sdk.apiKeys.create({
        name: 'deploy',
        subject: user.id,
        scopes: ['read'],
        claims: { tier: 1 },
        createdBy: user.id,
        secondsUntilExpiration: 60,
      });
      expect(made).toMatchObject({ name: 'deploy', subject: user.id, scopes: ['read'], createdBy: user.id });
      expect(made.expiration).toBe(made.createdAt + 60_000);
      expect(await sdk.apiKeys.getSecret(made.id)).toEqual({ data: { secret: made.secret } }.data);
      expect((await sdk.apiKeys.verify(made.secret!)).id).toBe(made.id);
      const got = await sdk.apiKeys.get(made.id);
      expect(got).toMatchObject({ id: made.id, claims: { tier: 1 }, revoked: false, secret: undefined });

      const plain = await sdk.apiKeys.create({ name: 'plain', subject: user.id });
      clerk.createApiKey({ subject: user, secondsUntilExpiration: -1 });
      clerk.createApiKey({ subject: clerk.createUser() });
      expect(await sdk.apiKeys.revoke({ apiKeyId: made.id, revocationReason: 'leaked' })).toMatchObject({
        revoked: true,
        revocationReason: 'leaked',
      });
      await expect(sdk.apiKeys.verify(made.secret!)).rejects.toEqual(clerkError(404, 'token_not_found'));
      const valid = await sdk.apiKeys.list({ subject: user.id });
      expect(valid.data.map(({ id }) => id)).toEqual([plain.id]);
      const all = await sdk.apiKeys.list({ subject: user.id, includeInvalid: true, limit: 1, offset: 1 });
      expect(all).toMatchObject({ totalCount: 3, data: [{ id: plain.id }] });
    });

    it('are rejected with an error code when malformed, and with token_not_found when unknown', async () => {
      const user = clerk.createUser();
      const post = (body: object) => call(clerk, '/api_keys', { method: 'POST', body: JSON.stringify(body) });
      const codeOf = async (body: object) => (await post(body)).json.errors[0].code;
      expect(await codeOf({ subject: user.id })).toBe('form_param_missing');
      expect(await codeOf({ name: 'x' })).toBe('form_param_missing');
      expect(await codeOf({ name: 'x', subject: 'user_x' })).toBe('resource_not_found');
      expect(await codeOf({ name: 'x', subject: user.id, scopes: 'read' })).toBe('form_param_format_invalid');
      expect(await codeOf({ name: 'x', subject: user.id, claims: [] })).toBe('form_param_format_invalid');
      expect((await call(clerk, '/api_keys')).json.errors[0]).toMatchObject({
        code: 'form_param_missing',
        meta: { param_name: 'subject' },
      });
      for (const miss of [
        sdk.apiKeys.get('ak_x'),
        sdk.apiKeys.getSecret('ak_x'),
        sdk.apiKeys.revoke({ apiKeyId: 'ak_x' }),
      ]) {
        await expect(miss).rejects.toEqual(clerkError(404, 'token_not_found'));
      }
    });
  });

  describe('M2M tokens', () => {
    it('can be created with a machine’s secret key, and not without one', async () => {
      const receiver = clerk.createMachine({ name: 'receiver' });
      const sender = clerk.createMachine({ name: 'sender', scopedMachines: [receiver] });
      const as = (machine: { secret_key: string }) => ({ machineSecretKey: machine.secret_key });
      const made = await sdk.m2m.createToken({ ...as(sender), claims: { a: 1 }, secondsUntilExpiration: 60 });
      expect(made).toMatchObject({ subject: sender.id, scopes: [receiver.id], claims: { a: 1 } });
      expect(made.id).toMatch(/^mt_[0-9a-f]{32}$/);
      const jwt = await sdk.m2m.createToken({ ...as(sender), tokenFormat: 'jwt' });
      expect(decoded(jwt.token!)).toMatchObject({
        header: { cat: 'cl_B7d4PD333AAA' },
        claims: { sub: sender.id, jti: jwt.id, scopes: receiver.id },
      });
      expect((await state(jwt.token!, 'm2m_token')).toAuth()).toMatchObject({ machineId: sender.id });
      await expect(sdk.m2m.createToken()).rejects.toEqual(clerkError(401, 'machine_secret_key_required'));
    });

    it('can be verified by the instance and by machines in their scopes, but not by others', async () => {
      const receiver = clerk.createMachine();
      const sender = clerk.createMachine({ scopedMachines: [receiver.id] });
      const { token } = await clerk.createM2MToken({ machine: sender });
      expect((await sdk.m2m.verify({ token })).subject).toBe(sender.id);
      const verify = (machineSecretKey: string) => sdk.m2m.verify({ token, machineSecretKey });
      expect((await verify(receiver.secret_key)).subject).toBe(sender.id);
      await expect(verify(sender.secret_key)).rejects.toEqual(clerkError(404, 'token_not_found'));
      const machineOnly = sdkOf(clerk, { secretKey: undefined, machineSecretKey: receiver.secret_key });
      expect((await state(token, 'm2m_token', machineOnly)).isAuthenticated).toBe(true);
    });

    it('have no scopes if their machine has no scoped machines', async () => {
      const machine = clerk.createMachine();
      const { token } = await clerk.createM2MToken({ machine, format: 'jwt' });
      expect((await state(token, 'm2m_token')).toAuth()).toMatchObject({ scopes: [], claims: null });
    });

    it('can be listed and revoked by the instance and their own machine, and not by other machines', async () => {
      const [mine, yours] = [clerk.createMachine(), clerk.createMachine()];
      const key = { machineSecretKey: mine.secret_key };
      const first = await clerk.createM2MToken({ machine: mine });
      const second = await clerk.createM2MToken({ machine: mine });
      const expired = await clerk.createM2MToken({ machine: mine, secondsUntilExpiration: -1 });
      await clerk.createM2MToken({ machine: mine, format: 'jwt' });
      await clerk.createM2MToken({ machine: yours });
      const ids = async (more: object = {}) => {
        const { data } = await sdk.m2m.list({ subject: mine.id, ...more });
        return data.map(({ id }) => id);
      };
      expect(await ids()).toEqual([second.id, first.id]);
      expect(await ids(key)).toEqual([second.id, first.id]);
      const revocation = { m2mTokenId: first.id, revocationReason: 'old' };
      await expect(sdk.m2m.revokeToken({ ...revocation, machineSecretKey: yours.secret_key })).rejects.toEqual(
        clerkError(403, 'authorization_invalid'),
      );
      expect(await sdk.m2m.revokeToken({ ...revocation, ...key })).toMatchObject({
        revoked: true,
        revocationReason: 'old',
      });
      expect(await ids()).toEqual([second.id]);
      expect(await ids({ revoked: true })).toEqual([second.id, first.id]);
      expect(await ids({ expired: true })).toEqual([expired.id, second.id]);
      await expect(ids({ machineSecretKey: yours.secret_key })).rejects.toEqual(
        clerkError(403, 'authorization_invalid'),
      );
      await expect(sdk.m2m.revokeToken({ m2mTokenId: 'mt_x' })).rejects.toEqual(clerkError(404, 'token_not_found'));
    });

    it('are the only part of the API that a machine’s secret key gives access to', async () => {
      const { secret_key: key } = clerk.createMachine();
      for (const path of ['/v1/users', '/v1/jwks', '/api_keys?subject=user_1']) {
        expect((await call(clerk, path, { key })).status).toBe(403);
      }
    });
  });

  describe('OAuth tokens', () => {
    it('have their user, client and default scopes in both formats', async () => {
      const user = clerk.createUser();
      for (const format of ['opaque', 'jwt'] as const) {
        const { token } = await clerk.createOAuthToken({ user, format, clientId: 'client_1' });
        expect((await state(token, 'oauth_token')).toAuth()).toMatchObject({
          userId: user.id,
          clientId: 'client_1',
          scopes: ['profile', 'email'],
        });
      }
    });
  });

  describe('machines', () => {
    it('can be created, read and listed, and show their secret key only at creation or on request', async () => {
      const billing = await sdk.machines.create({ name: 'billing', defaultTokenTtl: 60 });
      expect(billing).toMatchObject({
        name: 'billing',
        defaultTokenTtl: 60,
        secretKey: expect.stringMatching(/^ask_/),
      });
      const mailer = await sdk.machines.create({ name: 'mailer', scopedMachines: [billing.id] });
      expect(mailer.scopedMachines).toMatchObject([{ id: billing.id, secretKey: undefined }]);
      const got = await sdk.machines.get(mailer.id);
      expect(got).toMatchObject({ id: mailer.id, secretKey: undefined, scopedMachines: [{ id: billing.id }] });
      expect((await call(clerk, `/v1/machines/${mailer.id}`)).text).not.toContain('ask_');
      expect(await sdk.machines.getSecretKey(mailer.id)).toMatchObject({ secret: mailer.secretKey });
      const { data, totalCount } = await sdk.machines.list({ limit: 1 });
      expect({ names: data.map(({ name }) => name), totalCount }).toEqual({ names: ['mailer'], totalCount: 2 });
      expect((await sdk.machines.list({ query: 'BILL' })).data.map(({ name }) => name)).toEqual(['billing']);
    });

    it('are rejected with 404 when unknown, and with 422 when malformed', async () => {
      await expect(sdk.machines.get('mch_x')).rejects.toEqual(clerkError(404, 'resource_not_found'));
      await expect(sdk.machines.create({ name: '' })).rejects.toEqual(clerkError(422, 'form_param_missing'));
      const scoped = { name: 'a', scopedMachines: ['mch_x'] };
      await expect(sdk.machines.create(scoped)).rejects.toEqual(clerkError(404, 'resource_not_found'));
    });
  });
});
