import { createClerkClient, type ClerkClient } from '@clerk/backend';
import { Logger } from '@nestjs/common';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { FORMS } from '../../support/tenant-answers.js';

const keysOf = (name: string) => ({
  publishableKey: `pk_test_${btoa(`${name}.clerk.accounts.dev$`)}`,
  secretKey: `sk_test_${name}`,
  telemetry: { disabled: true },
});

function setUp(answer: () => unknown, more: ClerkModuleOptions = {}) {
  const given: ClerkModuleOptions = { ...more, resolveOptions: answer as ClerkModuleOptions['resolveOptions'] };
  return new ClerkInstances(resolveClerkOptions(given, {}), {} as ClerkClient, given, {});
}

jest.mock('@clerk/backend', () => {
  const backend = jest.requireActual<typeof import('@clerk/backend')>('@clerk/backend');
  return { ...backend, createClerkClient: jest.fn(backend.createClerkClient) };
});

describe('ClerkInstances', () => {
  beforeEach(() => jest.mocked(createClerkClient).mockClear());

  it('returns one instance for equal options, and another for any difference', async () => {
    let answer: object = keysOf('a');
    const instances = setUp(() => answer);
    const next = () => instances.for({});
    const first = await next();
    answer = { ...keysOf('a') };
    expect(await next()).toBe(first);
    const others: object[] = [
      keysOf('b'),
      { ...keysOf('a'), secretKey: 'sk_test_z' },
      { ...keysOf('a'), apiUrl: 'http://127.0.0.1:1' },
      { ...keysOf('a'), domain: () => 'x.example' },
      { ...keysOf('a'), domain: () => 'y.example' },
      { ...keysOf('a'), clerkClient: { authenticateRequest() {} } },
      { ...keysOf('a'), clerkClient: { authenticateRequest() {} } },
    ];
    const seen = new Set([first]);
    for (answer of others) seen.add(await next());
    expect(seen.size).toBe(others.length + 1);
    answer = others[3]!;
    expect(seen).toContain(await next());
  });

  it('notices options that are mutated in place, also in nested values', async () => {
    const { telemetry: _, ...plain } = keysOf('a');
    for (const answer of [plain, { ...plain, telemetry: { disabled: true } }] as Record<string, any>[]) {
      const instances = setUp(() => answer);
      const first = await instances.for({});
      expect(await instances.for({})).toBe(first);
      answer.secretKey = 'sk_test_changed';
      const second = await instances.for({});
      expect(second.options.secretKey).toBe('sk_test_changed');
      answer.authorizedParties = ['https://a.example'];
      expect((await instances.for({})).options.authorizedParties).toEqual(['https://a.example']);
      answer.authorizedParties[0] = 'https://b.example';
      expect((await instances.for({})).options.authorizedParties).toEqual(['https://b.example']);
      delete answer.authorizedParties;
      expect(await instances.for({})).toBe(second);
    }
  });

  it('calls resolveOptions once per request, identified by its carrier', async () => {
    const asked = jest.fn(() => keysOf('a'));
    const instances = setUp(asked);
    const [request, carrier] = [{}, {}];
    const all = await Promise.all([instances.for(request), instances.for(request), instances.for({}, request)]);
    expect([new Set(all).size, asked.mock.calls.length]).toEqual([1, 1]);
    await instances.for(request, carrier);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  describe.each(Object.entries(FORMS))('where resolveOptions returns options as %s', (_form, form) => {
    const optionsOf = (name: string) => ({
      ...keysOf(name),
      authorizedParties: [`https://${name}.example`],
      audience: [name],
      organizationSyncOptions: { organizationPatterns: [`/${name}/:slug`] },
    });
    const organizationPatterns = (name: string) => ({ organizationPatterns: [`/${name}/:slug`] });

    it('creates one instance for each tenant, from its own options', async () => {
      const answers = { a: form(optionsOf('a')), b: form(optionsOf('b')) };
      const others = { a: form(optionsOf('a')), b: form(optionsOf('b')) };
      let answer: object = answers.a;
      const instances = setUp(() => answer);
      const found = [];
      for (const tenant of ['a', 'b', 'a', 'b'] as const) {
        for (answer of [answers[tenant], others[tenant]]) {
          const instance = await instances.for({});
          expect(instance.options).toMatchObject({
            secretKey: `sk_test_${tenant}`,
            authorizedParties: [`https://${tenant}.example`],
            audience: { session_token: [tenant] },
            organizationSyncOptions: organizationPatterns(tenant),
          });
          found.push(instance);
        }
      }
      expect(new Set(found).size).toBe(2);
    });

    it.each([
      ['authorizedParties', ['https://other.example']],
      ['audience', ['other']],
      ['organizationSyncOptions', organizationPatterns('other')],
    ])('returns another instance if only %s differs', async (name, other) => {
      let answer: object = form(optionsOf('a'));
      const instances = setUp(() => answer);
      const first = await instances.for({});
      answer = form({ ...optionsOf('a'), [name]: other });
      const second = await instances.for({});
      expect(second).not.toBe(first);
      expect((second.options as any)[name]).toEqual(name === 'audience' ? { session_token: other } : other);
    });
  });

  it('reads each returned option exactly once per request', async () => {
    let read: string[] = [];
    const { telemetry, ...keys } = keysOf('a');
    for (const options of [keys, { ...keys, telemetry, authorizedParties: ['https://a.example'] }]) {
      const answer = new Proxy(options, {
        get: (target, name) => {
          if (name in target) read.push(String(name));
          return Reflect.get(target, name) as unknown;
        },
      });
      const instances = setUp(() => answer);
      for (let time = 0; time < 3; time++) {
        read = [];
        await instances.for({});
        expect(read.toSorted()).toEqual(Object.keys(options).toSorted());
      }
    }
  });

  it('uses the values it has read if a getter returns another value each time', async () => {
    const tenants = ['a', 'b', 'c', 'b', 'a'];
    let reads = 0;
    const answer = {
      ...keysOf('a'),
      get secretKey() {
        return `sk_test_${tenants[reads++ % tenants.length]}`;
      },
      get authorizedParties() {
        return new Proxy(['https://x.example'], {
          get: (target, name) => (name === '0' ? `https://${reads}-${reads++}.example` : Reflect.get(target, name)),
        });
      },
    };
    const instances = setUp(() => answer);
    for (let time = 0; time < 10; time++) {
      const expected = tenants[reads % tenants.length];
      const { options } = await instances.for({});
      expect(options.secretKey).toBe(`sk_test_${expected}`);
      // Read once, so the value that was validated is the value in use.
      expect(options.authorizedParties).toEqual([`https://${reads - 1}-${reads - 1}.example`]);
    }
  });

  it('returns the right tenant if the keys of one object are swapped for those of another tenant and back', async () => {
    const answer: Record<string, unknown> = { ...keysOf('a') };
    const instances = setUp(() => answer);
    const seen = [];
    for (const name of ['a', 'b', 'a', 'a', 'b']) {
      Object.assign(answer, keysOf(name));
      const instance = await instances.for({});
      expect(instance.options.secretKey).toBe(`sk_test_${name}`);
      seen.push(instance);
    }
    expect(new Set(seen).size).toBe(2);
  });

  const cyclic: unknown[] = ['https://a.example'];
  cyclic.push(cyclic);
  const parties = ['https://a.example'];
  it.each<[string, object, object]>([
    // valid options that get an instance first, then invalid ones with equal or similar JSON
    ['NaN', { clockSkewInMs: null }, { clockSkewInMs: NaN }],
    ['Infinity', { clockSkewInMs: null }, { clockSkewInMs: Infinity }],
    ['a symbol', {}, { clockSkewInMs: Symbol('a') }],
    ['a bigint', { clockSkewInMs: 5 }, { clockSkewInMs: 5n }],
    ['a Number', { clockSkewInMs: 5 }, { clockSkewInMs: new Number(5) }],
    ['a String', {}, { secretKey: new String('sk_test_a') }],
    ['a function', {}, { signInUrl: () => '/in' }],
    ['a Date', { domain: new Date(0).toJSON().slice(0, 10) }, { domain: new Date(0) }],
    ['a Map', { audience: {} }, { audience: new Map([['session_token', 'web']]) }],
    ['a Set', { audience: {} }, { audience: new Set(['web']) }],
    ['a list with a hole', { authorizedParties: parties }, { authorizedParties: [...parties, ...new Array(1)] }],
    ['a list of Strings', { authorizedParties: parties }, { authorizedParties: [new String(parties[0])] }],
    ['a list behind toJSON()', { authorizedParties: parties }, { authorizedParties: { toJSON: () => parties } }],
    ['a list that contains itself', { authorizedParties: parties }, { authorizedParties: cyclic }],
    ['a symbol whose description looks like an option', { domain: 'a.example' }, { domain: Symbol('9"a.example') }],
    ['an object with a replaceAll() method as a key', {}, { jwtKey: { replaceAll: () => 'a' } }],
    ['an own __proto__', {}, JSON.parse('{"__proto__": {"domain": "a.example"}}') as object],
    ['an own __proto__ inside', { audience: {} }, { audience: JSON.parse('{"__proto__": {}}') as object }],
    ['an unknown option', {}, { toJSON: () => keysOf('a') }],
    ['an undefined option of the module only', {}, { protection: undefined }],
    [
      'a getter of a class inside',
      { audience: {} },
      {
        audience: new (class {
          get session_token() {
            return 'web';
          }
        })(),
      },
    ],
    [
      'a hidden field inside',
      { audience: {} },
      { audience: Object.defineProperty({}, 'session_token', { value: 'web' }) },
    ],
  ])('rejects %s, also after valid options with similar JSON', async (_, good, bad) => {
    let answer: object = { ...keysOf('a'), ...good };
    const instances = setUp(() => answer);
    await instances.for({});
    answer = { ...keysOf('a'), ...bad };
    for (let time = 0; time < 2; time++) {
      await expect(instances.for({})).rejects.toMatchObject({ code: 'invalid-configuration' });
    }
  });

  it.each<[string, (answer: object) => object]>([
    ['hidden on the object', (answer) => Object.defineProperty(answer, 'domain', { value: 'a.example' })],
    ['inherited', (answer) => Object.setPrototypeOf(answer, { domain: 'a.example' }) as object],
    [
      'a getter of its class',
      (answer) =>
        Object.setPrototypeOf(
          answer,
          class {
            get domain() {
              return 'a.example';
            }
          }.prototype,
        ) as object,
    ],
    ['reported only by has() of a Proxy', (answer) => new Proxy(answer, { has: () => true })],
  ])('rejects options of which one is %s, also if the same object was valid before', async (_, hide) => {
    const { telemetry: _telemetry, ...keys } = keysOf('a');
    let answer: object = { ...keys };
    const instances = setUp(() => answer, { telemetry: { disabled: true } });
    await instances.for({});
    await instances.for({});
    answer = hide(answer);
    for (let time = 0; time < 2; time++) {
      await expect(instances.for({})).rejects.toThrow(/domain must be a property of the object itself/);
    }
  });

  it('uses the options of the module and the environment as they were at boot', async () => {
    let tenant = 'a';
    const given = { authorizedParties: ['https://a.example'], resolveOptions: () => keysOf(tenant) as never };
    const env = { CLERK_API_URL: 'https://one.example' };
    const instances = new ClerkInstances(resolveClerkOptions(given, env), {} as ClerkClient, given, env);
    await instances.for({});
    given.authorizedParties[0] = 'https://b.example';
    env.CLERK_API_URL = 'https://two.example';
    tenant = 'b';
    expect((await instances.for({})).options).toMatchObject({
      authorizedParties: ['https://a.example'],
      apiUrl: 'https://one.example',
    });
  });

  it('calls resolveOptions as a method of the given options', async () => {
    const given = {
      resolveOptions(this: unknown) {
        expect(this).toBe(given);
        return keysOf('a') as never;
      },
    };
    const instances = new ClerkInstances(resolveClerkOptions(given, {}), {} as ClerkClient, given, {});
    expect((await instances.for({})).options.secretKey).toBe('sk_test_a');
  });

  describe('the keys, calls and client of two tenants', () => {
    const base = { ...keysOf('a'), apiUrl: 'http://127.0.0.1:1' };
    async function both(more: object, less: object = {}) {
      let answer: object = { ...base, ...less };
      const instances = setUp(() => answer);
      const first = await instances.for({});
      answer = { ...base, ...more };
      return [first, await instances.for({})] as const;
    }

    it.each<[string, object]>([
      ['isSatellite', { isSatellite: () => false }],
      ['proxyUrl', { proxyUrl: 'https://x.example/__clerk' }],
      ['domain', { domain: 'x.example' }],
      ['signInUrl', { signInUrl: 'https://x.example/in' }],
      ['authorizedParties', { authorizedParties: ['https://x.example'] }],
      ['audience', { audience: 'web' }],
      ['clockSkewInMs', { clockSkewInMs: 0 }],
      ['enableHandshake', { enableHandshake: false }],
    ])('are shared if only %s differs, while the instances are not', async (_, more) => {
      const [first, second] = await both(more);
      expect(second).not.toBe(first);
      expect(second.authenticator).not.toBe(first.authenticator);
      expect([second.calls === first.calls, second.client === first.client]).toEqual([true, true]);
    });

    it('are shared except for the client if the publishable key or clerkClient differs', async () => {
      const clerkClient = { authenticateRequest() {} };
      for (const more of [{ publishableKey: keysOf('b').publishableKey }, { clerkClient }]) {
        const [first, second] = await both(more);
        expect([second.calls === first.calls, second.client === first.client]).toEqual([true, false]);
        if ('clerkClient' in more) expect(second.client).toBe(clerkClient);
      }
    });

    it.each<[string, object]>([
      ['secretKey', { secretKey: 'sk_test_b' }],
      ['machineSecretKey', { machineSecretKey: 'ask_a' }],
      ['apiUrl', { apiUrl: 'http://127.0.0.1:2' }],
      ['apiVersion', { apiVersion: 'v2' }],
    ])('are not shared if %s differs', async (_, more) => {
      const [first, second] = await both(more);
      expect([second.calls === first.calls, second.client === first.client]).toEqual([false, false]);
    });

    it.each(['timeoutInMs', 'maxRetries', 'maxPendingCalls', 'staleKeysInMs'])(
      'have separate limits on calls, but the same client, if %s differs',
      async (name) => {
        const [first, second] = await both({ [name]: 7 });
        expect(second.calls).not.toBe(first.calls);
        expect(second.client).toBe(first.client);
      },
    );
  });

  describe('the warning about new functions or clients for each request', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    afterEach(() => warn.mockClear());
    afterAll(() => warn.mockRestore());
    const ask = async (answer: (number: number) => object, times = 50) => {
      let number = 0;
      const instances = setUp(() => answer(number++));
      for (let time = 0; time < times; time++) await instances.for({});
      return warn.mock.calls.map(([message]) => String(message));
    };

    it('is logged once and names the options and the remedy, but no value', async () => {
      const messages = await ask(() => ({
        ...keysOf('a'),
        isSatellite: () => false,
        proxyUrl: () => '/__clerk',
        clerkClient: { authenticateRequest() {} },
      }));
      expect(messages).toEqual([
        'resolveOptions keeps returning the same options with new functions or clients (isSatellite, proxyUrl, clerkClient). ' +
          'Each result counts as another tenant, so no verified caller is cached for the next request. Define them once, ' +
          'outside of resolveOptions.',
      ]);
    });

    it.each<[string, (number: number) => object]>([
      ['the functions are defined once', (number) => ({ ...keysOf(`t${number % 5}`), isSatellite: once })],
      ['each tenant has its own function', (number) => ({ ...keysOf(`t${number}`), isSatellite: () => false })],
      ['there are no functions', (number) => ({ ...keysOf('a'), domain: `${number}.example` })],
    ])('is not logged if %s', async (_, answer) => {
      expect(await ask(answer)).toEqual([]);
    });
    const once = () => false;
  });

  it('distinguishes equal clients by reference, and treats undefined and null as no client', async () => {
    class Client {
      authenticateRequest() {}
    }
    let answer: object = { ...keysOf('a'), clerkClient: new Client() };
    const instances = setUp(() => answer);
    const first = await instances.for({});
    expect(await instances.for({})).toBe(first);
    answer = { ...answer, clerkClient: new Client() };
    expect(await instances.for({})).not.toBe(first);
    for (const clerkClient of [undefined, null]) {
      answer = { ...answer, clerkClient };
      expect((await instances.for({})).options.secretKey).toBe('sk_test_a');
    }
  });

  it('returns an instance synchronously unless resolveOptions returns a promise or another thenable', async () => {
    const options = keysOf('a');
    let answer: unknown = options;
    const instances = setUp(() => answer);
    const instance = instances.for({});
    expect('then' in instance).toBe(false);
    for (answer of [Promise.resolve(options), { then: (resolve: (value: object) => void) => resolve(options) }]) {
      const later = instances.for({});
      expect(later).toBeInstanceOf(Promise);
      expect(await later).toBe(instance);
    }
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('the database is down');
      },
    ],
    ['returns undefined', () => undefined],
    ['rejects', () => Promise.reject(new Error('the database is down'))],
    ['resolves to undefined', () => Promise.resolve(undefined)],
  ])(
    'returns a promise that rejects if resolveOptions %s, and the same one for the same request',
    async (_, answer) => {
      const asked = jest.fn(answer);
      const instances = setUp(asked);
      const request = {};
      const first = instances.for(request);
      expect(instances.for(request)).toBe(first);
      await expect(first).rejects.toMatchObject({ code: 'invalid-configuration', cause: expect.any(Error) });
      expect(asked).toHaveBeenCalledTimes(1);
    },
  );

  it('never uses an evicted instance again for the same object of options', async () => {
    const answers = Array.from({ length: 1_001 }, (_, number) => {
      const { telemetry: _telemetry, ...keys } = keysOf(`t${number}`);
      return keys;
    });
    let answer: object = answers[0]!;
    const instances = setUp(() => answer, { telemetry: { disabled: true } });
    const evicted = await instances.for({});
    const close = jest.spyOn(evicted.authenticator, 'close' as never);
    for (answer of answers) await instances.for({});
    // The first one has been used again, so another one was evicted.
    expect(close).not.toHaveBeenCalled();
    for (let round = 0; round < 2; round++) {
      for (answer of answers.slice(1)) {
        await instances.for({});
        await instances.for({});
      }
    }
    expect(close).toHaveBeenCalledTimes(1);
    answer = answers[0]!;
    const next = await instances.for({});
    expect(next).not.toBe(evicted);
    expect(next.options).toEqual(evicted.options);
    expect(await instances.for({})).toBe(next);
  });

  it('builds the client of a tenant when it is first used, and shares it', async () => {
    let answer: object = keysOf('a');
    const instances = setUp(() => answer);
    const first = await instances.for({});
    expect(createClerkClient).not.toHaveBeenCalled();
    const { client } = first;
    expect(createClerkClient).toHaveBeenCalledTimes(1);
    answer = { ...keysOf('a'), domain: 'a.example' };
    const second = await instances.for({});
    expect([second.client, first.client]).toEqual([client, client]);
    expect(createClerkClient).toHaveBeenCalledTimes(1);
  });

  it('evicts the oldest instance beyond a thousand', async () => {
    let tenant = 0;
    const instances = setUp(() => keysOf(`t${tenant}`));
    const first = await instances.for({});
    for (tenant = 1; tenant <= 1000; tenant++) await instances.for({});
    tenant = 0;
    expect(await instances.for({})).not.toBe(first);
  });

  it('keeps an instance in use while thousands of others are used once', async () => {
    let name = 'a';
    const instances = setUp(() => ({ ...keysOf('a'), domain: `${name}.example` }));
    const first = await instances.for({});
    expect(await instances.for({})).toBe(first);
    for (let number = 0; number < 3_000; number++) {
      name = `x${number}`;
      await instances.for({});
    }
    name = 'a';
    expect(await instances.for({})).toBe(first);
  });

  it('closes an instance when it is evicted, and all others when the module is destroyed', async () => {
    let tenant = 0;
    const instances = setUp(() => keysOf(`t${tenant}`));
    const closed: number[] = [];
    for (tenant = 0; tenant <= 1000; tenant++) {
      const { authenticator } = await instances.for({});
      const name = tenant;
      jest.spyOn(authenticator, 'close' as never).mockImplementation((() => closed.push(name)) as never);
    }
    // The first was evicted when the last was added.
    expect(closed).toEqual([0]);
    instances.onModuleDestroy();
    expect(closed.sort((a, b) => a - b)).toEqual(Array.from({ length: 1001 }, (_, index) => index));
  });

  it('closes the only instance of the module when the module is destroyed', async () => {
    const instances = new ClerkInstances(resolveClerkOptions(keysOf('a'), {}), {} as ClerkClient, keysOf('a'), {});
    const close = jest.spyOn(instances.own!.authenticator, 'close' as never);
    instances.onModuleDestroy();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('returns the only instance of the module, with its client, without resolveOptions', async () => {
    const client = {} as ClerkClient;
    const instances = new ClerkInstances(resolveClerkOptions(keysOf('a'), {}), client, keysOf('a'), {});
    expect(await instances.for({})).toBe(await instances.for({}));
    expect((await instances.for({})).client).toBe(client);
  });
});
