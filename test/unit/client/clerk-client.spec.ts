import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { createClient } from '../../../lib/client/clerk-client.service.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';

const keys = { publishableKey: `pk_test_${btoa('blue-owl-1.clerk.accounts.dev$')}`, secretKey: 'sk_test_secret' };
const telemetry = { disabled: true };
const { version } = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8')) as { version: string };

afterEach(() => jest.restoreAllMocks());

describe('createClient()', () => {
  it('returns the option clerkClient if given', () => {
    const clerkClient = { authenticateRequest: () => undefined } as never;
    expect(createClient(resolveClerkOptions({ ...keys, clerkClient }, {}))).toBe(clerkClient);
  });

  it('calls the Backend API with the resolved options and nest-clerk as the user agent', async () => {
    const received: IncomingMessage[] = [];
    const backendApi = createServer((request, response) => {
      received.push(request);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"total_count","total_count":3}');
    });
    await new Promise<void>((resolve) => backendApi.listen(0, '127.0.0.1', resolve));
    const apiUrl = `http://127.0.0.1:${(backendApi.address() as AddressInfo).port}`;
    const options = resolveClerkOptions({ ...keys, apiUrl, apiVersion: 'v9', telemetry }, {});
    expect(await createClient(options).users.getCount()).toBe(3);
    backendApi.close();
    expect(received).toHaveLength(1);
    expect(received[0]!.url).toBe('/v9/users/count');
    expect(received[0]!.headers).toMatchObject({
      authorization: 'Bearer sk_test_secret',
      'user-agent': `nest-clerk@${version}`,
    });
  });

  it('sends nest-clerk and its version in telemetry, which debug logs instead', () => {
    jest.spyOn(console, 'groupCollapsed').mockImplementation();
    const log = jest.spyOn(console, 'log').mockImplementation();
    const client = createClient(resolveClerkOptions({ ...keys, telemetry: { debug: true } }, {}));
    log.mockClear();
    client.telemetry.record({ event: 'METHOD_CALLED', payload: {} });
    expect(log.mock.calls).toContainEqual([
      expect.objectContaining({ sdk: 'nest-clerk', sdkv: version, pk: keys.publishableKey }),
    ]);
  });
});
