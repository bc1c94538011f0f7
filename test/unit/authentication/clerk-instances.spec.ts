import type { ClerkClient } from '@clerk/backend';

import { ClerkInstances } from '../../../lib/authentication/clerk-instances.js';
import type { ClerkModuleOptions } from '../../../lib/options/clerk-options.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const keysOf = (name: string) => ({
  publishableKey: `pk_test_${btoa(`${name}.clerk.accounts.dev$`)}`,
  secretKey: `sk_test_${name}`,
  telemetry: { disabled: true },
});

function over(answer: () => unknown, more: ClerkModuleOptions = {}) {
  const given: ClerkModuleOptions = { ...more, resolveOptions: answer as ClerkModuleOptions['resolveOptions'] };
  return new ClerkInstances(resolveClerkOptions(given, {}), {} as ClerkClient, given, {});
}

describe('ClerkInstances', () => {
  it('sets one instance up for the same answer, and another for any other', async () => {
    let answer: object = keysOf('a');
    const instances = over(() => answer);
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

  it('sees that an answer was changed in place, be it ever so deep', async () => {
    const { telemetry: _, ...plain } = keysOf('a');
    for (const answer of [plain, { ...plain, telemetry: { disabled: true } }] as Record<string, any>[]) {
      const instances = over(() => answer);
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

  it('asks once about a request, by what stands for it', async () => {
    const asked = jest.fn(() => keysOf('a'));
    const instances = over(asked);
    const [request, carrier] = [{}, {}];
    const all = await Promise.all([instances.for(request), instances.for(request), instances.for({}, request)]);
    expect([new Set(all).size, asked.mock.calls.length]).toEqual([1, 1]);
    await instances.for(request, carrier);
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('reads an answer that is given again once, unless something in it may have changed unseen', async () => {
    const read = jest.fn(() => 'read');
    const { telemetry: _, ...keys } = keysOf('a');
    const answer: Record<string, unknown> = { ...keys, domain: Object.assign(() => 'a.example', { toJSON: read }) };
    const instances = over(() => answer);
    for (const times of [1, 1, 1]) {
      await instances.for({});
      expect(read).toHaveBeenCalledTimes(times);
    }
    answer.secretKey = 'sk_test_b';
    for (const times of [2, 2]) {
      await instances.for({});
      expect(read).toHaveBeenCalledTimes(times);
    }
    answer.authorizedParties = ['https://a.example'];
    for (const times of [3, 4]) {
      await instances.for({});
      expect(read).toHaveBeenCalledTimes(times);
    }
  });

  it('tells clients apart that look alike, and takes none for none', async () => {
    class Client {
      authenticateRequest() {}
    }
    let answer: object = { ...keysOf('a'), clerkClient: new Client() };
    const instances = over(() => answer);
    const first = await instances.for({});
    expect(await instances.for({})).toBe(first);
    answer = { ...answer, clerkClient: new Client() };
    expect(await instances.for({})).not.toBe(first);
    for (const clerkClient of [undefined, null]) {
      answer = { ...answer, clerkClient };
      expect((await instances.for({})).options.secretKey).toBe('sk_test_a');
    }
  });

  it('keeps no more than a thousand', async () => {
    let tenant = 0;
    const instances = over(() => keysOf(`t${tenant}`));
    const first = await instances.for({});
    for (tenant = 1; tenant <= 1000; tenant++) await instances.for({});
    tenant = 0;
    expect(await instances.for({})).not.toBe(first);
  });

  it('lets go what an instance remembers when the instance makes room, and of all when the module is destroyed', async () => {
    let tenant = 0;
    const instances = over(() => keysOf(`t${tenant}`));
    const closed: number[] = [];
    for (tenant = 0; tenant <= 1000; tenant++) {
      const { authenticator } = await instances.for({});
      const name = tenant;
      jest.spyOn(authenticator, 'close' as never).mockImplementation((() => closed.push(name)) as never);
    }
    // The first had made room by the time that the last was there.
    expect(closed).toEqual([0]);
    instances.onModuleDestroy();
    expect(closed.sort((a, b) => a - b)).toEqual(Array.from({ length: 1001 }, (_, index) => index));
  });

  it('lets go what the module’s own instance remembers when the module is destroyed', async () => {
    const instances = new ClerkInstances(resolveClerkOptions(keysOf('a'), {}), {} as ClerkClient, keysOf('a'), {});
    const close = jest.spyOn(instances.own!.authenticator, 'close' as never);
    instances.onModuleDestroy();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('is the module’s own without resolveOptions', async () => {
    const client = {} as ClerkClient;
    const instances = new ClerkInstances(resolveClerkOptions(keysOf('a'), {}), client, keysOf('a'), {});
    expect(await instances.for({})).toBe(await instances.for({}));
    expect((await instances.for({})).client).toBe(client);
  });
});
