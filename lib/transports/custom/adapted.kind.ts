import type { TransportAdapter } from '../../options/transport-options.js';
import type { TransportKind } from '../transport-kind.js';
import { AdaptedTransport } from './adapted.transport.js';
import { registeredCalls } from './registered-calls.js';

/** A transport that the application defines with the option `transports`. */
export function adaptedKind(type: string, adapter: TransportAdapter): TransportKind {
  return {
    type,
    handlers: { keys: [] },
    calls: registeredCalls,
    callsInstance: false,
    entryPoints: ({ type: { name: className }, name }) => [{ method: 'handler', path: `${className}.${name}` }],
    create: ({ throttle }) => new AdaptedTransport(type, adapter, throttle),
  };
}
