import { graphql } from './graphql/graphql.kind.js';
import { http } from './http/http.kind.js';
import { rpc } from './rpc/rpc.kind.js';
import type { TransportKind } from './transport-kind.js';
import { webSocket } from './websocket/websocket.kind.js';

/** Every built-in transport, in the order of the protection map. To add one, add its folder and list it here. */
export const TRANSPORT_KINDS = [http, graphql, webSocket, rpc] as const satisfies readonly TransportKind[];

/** The context types of the built-in transports. */
export type BuiltInTransport = (typeof TRANSPORT_KINDS)[number]['type'];

const KINDS: ReadonlyMap<string, TransportKind> = new Map(TRANSPORT_KINDS.map((kind) => [kind.type, kind]));

/** The built-in transport of a context type. */
export function builtInKind(type: string): TransportKind | undefined {
  return KINDS.get(type);
}
