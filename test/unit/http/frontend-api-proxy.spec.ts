import 'reflect-metadata';

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { ClerkClient } from '@clerk/backend';

import { ClerkInstances } from '../../../lib/authentication/instances/clerk-instances.js';
import { frontendApiProxy } from '../../../lib/index.js';
import { resolveClerkOptions } from '../../../lib/options/resolve-options.js';
import { CLERK_OPTIONS } from '../../../lib/options/resolved-options.js';

const given = {
  ...{ publishableKey: `pk_test_${btoa('a.clerk.accounts.dev$')}`, secretKey: 'sk_test_a' },
  frontendApiProxy: { enabled: true },
};

describe('frontendApiProxy()', () => {
  const servers: Server[] = [];
  const environment = { ...process.env };
  afterEach(() => {
    process.env = environment;
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  async function listen(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  it('passes on a 204 response with its headers and without a body', async () => {
    process.env.CLERK_FAPI_URL = await listen((_, response) => void response.writeHead(204, { etag: 'a' }).end());
    const options = resolveClerkOptions(given, {});
    const instances = new ClerkInstances(options, {} as ClerkClient, given, {});
    const proxy = frontendApiProxy({
      get: (token: unknown) => (token === CLERK_OPTIONS ? options : instances),
    } as never);
    const url = await listen((request, response) => {
      void proxy(request, response, (error) => void response.writeHead(500).end(String(error)));
    });
    const answer = await fetch(`${url}/__clerk/v1/x`);
    expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([204, 'a', '']);
  });
});
