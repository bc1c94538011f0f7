import { RequestMethod } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import type { TransportKind } from '../transport-kind.js';
import { httpPathsOf, type Versions } from './http-paths.js';
import { httpRequestOf, HttpTransport } from './http.transport.js';
import { requestCarrierOf } from './web-request.js';

/** HTTP, on any platform adapter. */
export const http = {
  type: 'http',
  handlers: { keys: ['path'], isOn: (_type, isController) => isController },
  calls: {
    source: httpRequestOf,
    carrier: (context) => requestCarrierOf(httpRequestOf(context)),
    identityCarrier: (context) => requestCarrierOf(httpRequestOf(context)),
  },
  callsInstance: true,
  entryPoints: ({ type, handler }, routing) => {
    const method = read<RequestMethod>('method', handler) ?? RequestMethod.GET;
    const hosts = [read<string | RegExp | (string | RegExp)[]>('host', type) ?? []].flat().map(String);
    const declared = {
      method,
      controllerPath: read<string | string[]>('path', type) ?? '',
      methodPath: read<string | string[]>('path', handler) ?? '',
      controllerVersion: read<Versions>('__version__', type),
      methodVersion: read<Versions>('__version__', handler),
    };
    return routing
      .modulePathsOf(type)
      .flatMap((modulePath) => httpPathsOf({ ...declared, modulePath }, routing))
      .map((place) => ({
        method: RequestMethod[method] ?? String(method),
        ...place,
        ...(hosts.length > 0 ? { host: hosts } : {}),
      }));
  },
  create: ({ options, resolver }) =>
    new HttpTransport(resolver.get(HttpAdapterHost, { strict: false }), options.authorizedParties),
} as const satisfies TransportKind;

function read<T>(key: string, target: object): T | undefined {
  return Reflect.getMetadata(key, target) as T | undefined;
}
