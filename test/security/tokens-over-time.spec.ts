import { createClerkClient } from '@clerk/backend';

import { ClerkCalls } from '../../lib/client/clerk-calls.js';
import { createAuthenticator } from '../../lib/authentication/instances/clerk-instance.js';
import type { Identity } from '../../lib/authentication/identity/identity.js';
import type { AcceptsToken } from '../../lib/authentication/identity/token-types.js';
import { StaticKeySet, type KeySet } from '../../lib/authentication/keys/key-set.js';
import { RemoteKeySet } from '../../lib/authentication/keys/remote-key-set.js';
import type { ClerkModuleOptions } from '../../lib/index.js';
import { resolveClerkOptions } from '../../lib/options/resolve-options.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { HttpCredentials } from '../../lib/transports/http/http.credentials.js';
import { expectIdentityOf } from '../support/clerk-alone.js';

const SECOND = 1_000;
const CLERK_LANE_ONLY = { verificationCache: false, directVerification: false } as const;

const LANES: readonly (readonly [string, ClerkModuleOptions])[] = [
  ['with Clerk alone', CLERK_LANE_ONLY],
  ['with direct verification', { verificationCache: false }],
  ['with the verification cache', {}],
];
const TYPES: readonly AcceptsToken[] = ['session_token', 'any', ['session_token', 'm2m_token']];

/** A denied token is not denied for longer than Clerk would deny it. */
describe.each(LANES)('the authenticator over time, %s', (_, lanes) => {
  let clerk: LocalClerk;
  let attacker: LocalClerk;
  let now: number;
  let start: number;

  beforeAll(async () => {
    attacker = await LocalClerk.start();
  });
  beforeEach(async () => {
    for (const method of ['log', 'warn', 'error'] as const) jest.spyOn(console, method).mockReturnValue();
    // A whole second, since the dates of tokens have no others.
    start = Math.floor(Date.now() / SECOND) * SECOND;
    now = start;
    jest.spyOn(Date, 'now').mockImplementation(() => now);
    clerk = await LocalClerk.start();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await clerk.stop();
  });
  afterAll(() => attacker.stop());

  function instance(given: ClerkModuleOptions = lanes, createKeys?: (calls: ClerkCalls) => KeySet) {
    const { publishableKey, secretKey, apiUrl, telemetry } = clerk.options;
    const base = { publishableKey, secretKey, apiUrl, telemetry };
    const options = resolveClerkOptions({ ...base, ...given }, {});
    const calls = new ClerkCalls(options);
    const keys = createKeys ? createKeys(calls) : new StaticKeySet(clerk.jwtKey);
    const client = createClerkClient({ ...base, apiVersion: 'v1' });
    const authenticator = createAuthenticator(
      options,
      () => client,
      keys,
      () => now,
      calls,
    );
    return async (token: string, acceptsToken: AcceptsToken = 'session_token', method = 'GET'): Promise<Identity> => {
      const source = { method, url: '/', headers: { host: 'api.test', authorization: `Bearer ${token}` } };
      return authenticator.authenticate(new HttpCredentials(source, source), acceptsToken);
    };
  }

  /** An instance that fetches its keys. */
  const fetching = () =>
    instance(lanes, (calls) => {
      const { secretKey, url: apiUrl } = clerk;
      const options = { ...{ apiUrl, apiVersion: 'v1', secretKey }, timeoutInMs: 5_000, staleKeysInMs: 0 };
      return new RemoteKeySet(options, calls, fetch, () => now);
    });

  const seconds = (ms: number) => ms / SECOND;

  /** Asks for the token at each of these times, and expects the status, which must also be that of the Clerk lane. */
  async function expectStatuses(token: string, times: readonly (readonly [at: number, status: string])[]) {
    const alone = instance(CLERK_LANE_ONLY);
    const ask = instance();
    for (const [at, status] of times) {
      now = at;
      for (const types of TYPES) {
        for (const method of ['GET', 'POST']) {
          const expected = await alone(token, types, method);
          // Asked twice, so that the second request would find what the first left behind.
          for (let time = 0; time < 2; time++) {
            const identity = await ask(token, types, method);
            expect([seconds(at - start), types, method, identity.status]).toEqual([
              seconds(at - start),
              types,
              method,
              status,
            ]);
            await expectIdentityOf(expected, identity);
          }
        }
      }
    }
  }

  it.each([
    ['nbf', (at: number) => ({ notBefore: at })],
    ['iat', (at: number) => ({ claims: { iat: at } })],
  ])('accepts a token with a future %s as soon as its time has come', async (__, options) => {
    const begins = start + 60 * SECOND;
    const token = await clerk.sessionToken({ expiresIn: 3600, ...options(seconds(begins)) });
    const skew = 5 * SECOND;
    await expectStatuses(token, [
      [start, 'signed-out'],
      [begins - skew - 1, 'signed-out'],
      [begins - skew, 'signed-in'],
      [begins, 'signed-in'],
      // The clock is set back.
      [begins - skew - 1, 'signed-out'],
      [begins - skew, 'signed-in'],
    ]);
  });

  it('denies an expired token, and accepts it only if the clock is set back into its lifetime', async () => {
    const token = await clerk.sessionToken({ issuedAt: seconds(start), notBefore: seconds(start), expiresIn: 60 });
    const expires = start + 60 * SECOND;
    const skew = 5 * SECOND;
    await expectStatuses(token, [
      [start, 'signed-in'],
      [expires + skew - 1, 'signed-in'],
      [expires + skew, 'signed-out'],
      [expires + 3600 * SECOND, 'signed-out'],
      [expires + skew, 'signed-out'],
      [expires + skew - 1, 'signed-in'],
      [start - skew, 'signed-in'],
      // Before it was issued.
      [start - skew - 1, 'signed-out'],
      [start - 3600 * SECOND, 'signed-out'],
    ]);
  });

  it('denies a token with the dates of a valid one and another signature at any time', async () => {
    const issuedAt = seconds(start);
    const token = await clerk.sessionToken({ issuedAt, notBefore: issuedAt, expiresIn: 60, key: attacker });
    const times = [start, start + 64 * SECOND, start + 65 * SECOND, start - 6 * SECOND, start];
    await expectStatuses(
      token,
      times.map((at) => [at, 'signed-out']),
    );
  });

  describe('with a key that is published later', () => {
    const COOLDOWN = 30 * SECOND;

    /** A token with a key that is published once the function is called. */
    async function tokenOfNextKey() {
      const ask = fetching();
      const former = await clerk.sessionToken({ expiresIn: 3600 });
      expect((await ask(former)).status).toBe('signed-in');
      expect(clerk.countRequests('/v1/jwks')).toBe(1);
      clerk.rotateKey();
      const token = await clerk.sessionToken({ expiresIn: 3600 });
      return { ask, former, token };
    }

    it('accepts the token after the cooldown of 30 seconds, with one more fetch', async () => {
      const { ask, former, token } = await tokenOfNextKey();
      for (const passed of [0, COOLDOWN / 2, COOLDOWN - 1]) {
        now = start + passed;
        for (const types of TYPES) {
          const { status, reason } = await ask(token, types);
          expect([passed, types, status, reason]).toEqual([passed, types, 'signed-out', 'jwk-kid-mismatch']);
        }
      }
      expect(clerk.countRequests('/v1/jwks')).toBe(1);
      now = start + COOLDOWN;
      for (const types of TYPES) expect((await ask(token, types)).status).toBe('signed-in');
      expect((await ask(former)).status).toBe('signed-in');
      expect(clerk.countRequests('/v1/jwks')).toBe(2);
    });

    it('accepts the token just as soon if others with unknown keys are denied all the time', async () => {
      const { ask, token } = await tokenOfNextKey();
      const unknown = await clerk.sessionToken({ header: { kid: 'unknown' }, key: attacker });
      for (let passed = 0; passed < COOLDOWN; passed += SECOND) {
        now = start + passed;
        expect((await ask(unknown)).reason).toBe('jwk-kid-mismatch');
        expect((await ask(token)).reason).toBe('jwk-kid-mismatch');
      }
      now = start + COOLDOWN;
      expect((await ask(unknown)).reason).toBe('jwk-kid-mismatch');
      expect((await ask(token)).status).toBe('signed-in');
      expect(clerk.countRequests('/v1/jwks')).toBe(2);
    });

    it('denies a token that names the new key with another signature, before and after', async () => {
      const { ask, token } = await tokenOfNextKey();
      const forged = await clerk.sessionToken({ expiresIn: 3600, key: attacker });
      expect((await ask(forged)).reason).toBe('jwk-kid-mismatch');
      now = start + COOLDOWN;
      expect((await ask(forged)).reason).toBe('token-invalid-signature');
      expect((await ask(token)).status).toBe('signed-in');
      expect((await ask(forged)).reason).toBe('token-invalid-signature');
    });

    it('reports an outage, not a bad token, if the keys cannot be fetched after the cooldown', async () => {
      const { ask, token } = await tokenOfNextKey();
      expect((await ask(token)).reason).toBe('jwk-kid-mismatch');
      now = start + COOLDOWN;
      clerk.outage({ status: 500 });
      const { status, failure } = await ask(token);
      expect([status, failure?.name]).toEqual(['signed-out', 'ClerkUnavailableError']);
      clerk.recover();
      now += 3 * SECOND;
      expect((await ask(token)).status).toBe('signed-in');
    });

    it('fetches the keys for the first token, even if it is not valid', async () => {
      const ask = fetching();
      expect((await ask(await clerk.sessionToken({ key: attacker }))).reason).toBe('token-invalid-signature');
      expect(clerk.countRequests('/v1/jwks')).toBe(1);
      expect((await ask(await clerk.sessionToken())).status).toBe('signed-in');
      expect(clerk.countRequests('/v1/jwks')).toBe(1);
    });
  });
});
