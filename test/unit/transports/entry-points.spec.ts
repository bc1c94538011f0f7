import 'reflect-metadata';

import { All, Controller, Get, Post, Version, VersioningType, type Type } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';

import type { Routing } from '../../../lib/transports/entry-point.js';
import type { RoutedMethod } from '../../../lib/transports/transport-kind.js';
import { builtInKind, type BuiltInTransport } from '../../../lib/transports/transport-kinds.js';

const ROUTING: Routing = { globalPrefix: '', excluded: [], modulePathsOf: () => [undefined] };

/** The rows of a method in the protection map, for each of these transports. */
function entryPointsOf(
  type: Type,
  { transports, ...method }: Omit<RoutedMethod, 'type'> & { readonly transports: readonly BuiltInTransport[] },
  routing: Routing,
) {
  return transports.flatMap((transport) =>
    builtInKind(transport)!
      .entryPoints({ type, ...method }, routing)
      .map((entry) => ({ transport, ...entry })),
  );
}

/** The metadata of @nestjs/graphql; test/e2e/protection-map.spec.ts uses the decorators themselves. */
const graphql =
  (metadata: Record<string, unknown>) => (target: object, _?: string, descriptor?: PropertyDescriptor) => {
    const on = (descriptor?.value as object | undefined) ?? target;
    for (const [key, value] of Object.entries(metadata)) Reflect.defineMetadata(`graphql:${key}`, value, on);
  };

@Controller('cats')
class Cats {
  @Get() list() {}
  @Post(['new', 'add']) add() {}
  @All('any') any() {}
  @Get('v') @Version('2') versioned() {}
}

@Controller({ host: 'a.example.com' })
class Hosted {
  @Get() one() {}
}

@Controller({ host: [':tenant.example.com', /b\.example/] })
class HostedTwice {
  @Get() one() {}
}

@Controller({ path: 'dogs', version: '1' })
class Dogs {
  @Get() list() {}
}

/** A class without metadata, as another library may register it. */
class Bare {
  one() {}
}

@graphql({ resolver_type: 'Invoice' })
class Invoices {
  @graphql({ resolver_type: 'Query', resolver_name: 'invoices' }) all() {}
  @graphql({ resolver_type: 'Mutation' }) pay() {}
  @graphql({ resolver_type: 'Subscription', resolver_name: 'paid' }) onPaid() {}
  @graphql({ resolver_name: 'total' }) sum() {}
  @graphql({ resolver_type: 'Line' }) text() {}
  @graphql({ resolve_reference: true, resolver_name: 'ignored' }) reference() {}
}

class Plain {
  @graphql({ resolver_name: 'total' }) sum() {}
}

@WebSocketGateway({ namespace: 'chat' })
class Chat {
  @SubscribeMessage('say') say() {}
}

@WebSocketGateway({ namespace: /^\/room/ })
class Rooms {
  @SubscribeMessage({ topic: 'a' } as never) topic() {}
}

@WebSocketGateway()
class Gateway {
  @SubscribeMessage(5 as never) five() {}
}

@Controller()
class Billing {
  @MessagePattern(['bill', { cmd: 'invoice' }]) bill(_data: unknown) {}
  @EventPattern(/paid/) paid(_data: unknown) {}
  nothing() {}
}

describe('entryPointsOf()', () => {
  const http = (method: string, path: string, more: object = {}) => ({ transport: 'http', method, path, ...more });
  const ws = (path: string, more: object = {}) => ({ transport: 'ws', method: 'message', path, ...more });
  const rpc = (method: string, path: string) => ({ transport: 'rpc', method, path });
  const of = (method: string, path: string) => ({ transport: 'graphql', method, path });

  it.each<[BuiltInTransport, Type, string, object[]]>([
    ['http', Cats, 'list', [http('GET', '/cats')]],
    ['http', Cats, 'add', [http('POST', '/cats/new'), http('POST', '/cats/add')]],
    ['http', Cats, 'any', [http('ALL', '/cats/any')]],
    ['http', Cats, 'versioned', [http('GET', '/cats/v')]],
    ['http', Hosted, 'one', [http('GET', '/', { host: ['a.example.com'] })]],
    ['http', HostedTwice, 'one', [http('GET', '/', { host: [':tenant.example.com', '/b\\.example/'] })]],
    ['http', Bare, 'one', [http('GET', '/')]],
    ['graphql', Invoices, 'all', [of('Query', 'invoices')]],
    ['graphql', Invoices, 'pay', [of('Mutation', 'pay')]],
    ['graphql', Invoices, 'onPaid', [of('Subscription', 'paid')]],
    ['graphql', Invoices, 'sum', [of('field', 'Invoice.total')]],
    ['graphql', Invoices, 'text', [of('field', 'Line.text')]],
    ['graphql', Invoices, 'reference', [of('field', 'Invoice.__resolveReference')]],
    ['graphql', Plain, 'sum', [of('field', 'Plain.total')]],
    ['ws', Chat, 'say', [ws('say', { namespace: 'chat' })]],
    ['ws', Rooms, 'topic', [ws('{"topic":"a"}', { namespace: '/^\\/room/' })]],
    ['ws', Gateway, 'five', [ws('5')]],
    ['ws', Bare, 'one', [ws('undefined')]],
    ['rpc', Billing, 'bill', [rpc('message', 'bill'), rpc('message', '{"cmd":"invoice"}')]],
    ['rpc', Billing, 'paid', [rpc('event', '/paid/')]],
    ['rpc', Billing, 'nothing', [rpc('message', 'undefined')]],
  ])('for %s returns the entry points of %p.%s', (transport, type, name, expected) => {
    const handler = (type.prototype as Record<string, () => void>)[name]!;
    expect(entryPointsOf(type, { handler, name, transports: [transport] }, ROUTING)).toEqual(expected);
  });

  it('returns one entry point for each module path and transport, with the global prefix', () => {
    const routing: Routing = { ...ROUTING, globalPrefix: 'api', modulePathsOf: () => ['/admin', undefined] };
    const handler = Cats.prototype.list;
    expect(entryPointsOf(Cats, { handler, name: 'list', transports: ['http', 'rpc'] }, routing)).toEqual([
      http('GET', '/api/admin/cats'),
      http('GET', '/api/cats'),
      rpc('message', 'undefined'),
    ]);
  });

  it.each<[Type, () => void, string]>([
    [Cats, Cats.prototype.list, '/v7/cats'],
    [Cats, Cats.prototype.versioned, '/v2/cats/v'],
    [Dogs, Dogs.prototype.list, '/v1/dogs'],
  ])('uses the version of handler, controller or application: %p, %p, %s', (type, handler, path) => {
    const routing: Routing = { ...ROUTING, versioning: { type: VersioningType.URI, defaultVersion: '7' } };
    expect(entryPointsOf(type, { handler, name: handler.name, transports: ['http'] }, routing)).toEqual([
      http('GET', path),
    ]);
  });
});
