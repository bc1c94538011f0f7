import { registeredCall } from '../calls.js';
import { patternText } from '../patterns.js';
import type { TransportKind } from '../transport-kind.js';
import { denyRpc } from './rpc.denial.js';
import { RpcExceptions } from './rpc-exception.js';
import { rpcSourceOf, RpcTransport } from './rpc.transport.js';
import { isEventHandler } from './unanswered.js';

/** Microservices, over any broker. */
export const rpc = {
  type: 'rpc',
  handlers: { keys: ['microservices:pattern'], isOn: (_type, isController) => isController },
  calls: { source: rpcSourceOf, carrier: registeredCall, identityCarrier: registeredCall },
  callsInstance: true,
  entryPoints: ({ handler }) => {
    const method = isEventHandler(handler) ? 'event' : 'message';
    const patterns = [Reflect.getMetadata('microservices:pattern', handler) as unknown].flat();
    return patterns.map((pattern) => ({ method, path: patternText(pattern) }));
  },
  denyUnguarded: denyRpc,
  create: ({ options, throttle, resolver }) => new RpcTransport(options, throttle, resolver.get(RpcExceptions)),
} as const satisfies TransportKind;
