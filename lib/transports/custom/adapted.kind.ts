import type { TransportAdapter } from '../../options/transport-types.js';
import type { TransportKind } from '../transport-kind.js';
import { AdaptedTransport } from './adapted.transport.js';
import { registeredCalls } from './registered-calls.js';
import { SkippedTransport } from './skipped.transport.js';

/** A transport that the application defines with the option `transports`. */
export function adaptedKind(type: string, adapter: TransportAdapter | 'skip'): TransportKind {
  return {
    type,
    handlers: { keys: (adapter === 'skip' ? undefined : adapter.handlers) ?? [] },
    calls: registeredCalls,
    callsInstance: false,
    entryPoints: ({ type: { name: className }, name }) => [{ method: 'handler', path: `${className}.${name}` }],
    create: ({ throttle }) =>
      adapter === 'skip' ? new SkippedTransport(type, true) : new AdaptedTransport(type, adapter, throttle),
  };
}
