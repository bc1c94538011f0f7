import type { EntryPoint } from '../entry-point.js';
import { registeredCall } from '../calls.js';
import { patternText } from '../patterns.js';
import type { RoutedMethod, TransportKind } from '../transport-kind.js';
import { requestOf } from './sockets.js';
import { WebSocketPackage } from './websocket.package.js';
import { clientOf, WebSocketTransport } from './websocket.transport.js';

/** Messages of gateways, over socket.io or `ws`. */
export const webSocket = {
  type: 'ws',
  handlers: {
    keys: ['websockets:message_mapping'],
    isOn: (type) => Reflect.hasMetadata('websockets:is_gateway', type),
  },
  calls: {
    source: (context) => requestOf(clientOf(context)),
    carrier: registeredCall,
    identityCarrier: registeredCall,
  },
  callsInstance: false,
  guards: {
    reachesGlobally: (resolver) => resolver.get(WebSocketPackage, { strict: false }).hasGlobalGuards(),
    unguarded:
      'no guard runs before it: on Nest 11 no global guard reaches gateways. Add @UseGuards(ClerkGuard) to the gateway.',
  },
  entryPoints: (method) => [messageEntryPoint(method)],
  create: ({ resolver }) => resolver.get(WebSocketTransport),
} as const satisfies TransportKind;

function messageEntryPoint({ type, handler }: RoutedMethod): EntryPoint {
  const options = Reflect.getMetadata('websockets:gateway_options', type) as
    { namespace?: string | RegExp } | undefined;
  const path = patternText(Reflect.getMetadata('message', handler));
  return { method: 'message', path, ...(options?.namespace ? { namespace: String(options.namespace) } : {}) };
}
