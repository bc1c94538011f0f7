import type { DynamicModule } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { createClient, type Client, type ClientOptions } from 'graphql-ws';
import WebSocket from 'ws';

import { PLATFORMS } from './platforms.js';
import type { TestApp } from './test-app.js';

type Extra = Pick<ApolloDriverConfig, 'fieldResolverEnhancers'> & {
  readonly context?: unknown;
  /** For Mercurius, where `context` applies to HTTP only. */
  readonly subscription?: unknown;
};

const apollo = (extra: Extra = {}) =>
  GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    graphiql: false,
    // Lets a plain link reach the resolvers, which is the harder case for the guard.
    csrfPrevention: false,
    includeStacktraceInErrorResponses: false,
    subscriptions: { 'graphql-ws': true },
    ...(extra as object),
  });
const mercurius = (extra: Extra = {}) =>
  GraphQLModule.forRoot<MercuriusDriverConfig>({
    driver: MercuriusDriver,
    autoSchemaFile: true,
    subscription: { fullWsTransport: true },
    ...(extra as object),
  });
const [[, express], [, fastify]] = PLATFORMS;

/** Every GraphQL driver on every platform that it runs on. */
export const GRAPHQL_DRIVERS = [
  ['Apollo on Express', express, apollo],
  ['Apollo on Fastify', fastify, apollo],
  ['Mercurius on Fastify', fastify, mercurius],
] as const satisfies [string, unknown, (extra?: Extra) => DynamicModule][];

/** The result of an operation. */
export interface GraphqlAnswer {
  readonly data?: any;
  readonly errors?: readonly { readonly message: string; readonly path?: unknown; readonly extensions?: any }[];
}

/** Sends an operation over HTTP. */
export async function query(
  app: TestApp,
  operation: string,
  headers: Record<string, string> = {},
  variables: Record<string, unknown> = {},
): Promise<GraphqlAnswer> {
  const answer = await fetch(`http://127.0.0.1:${app.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: operation, variables }),
  });
  return (await answer.json()) as GraphqlAnswer;
}

/** Sends an operation over a WebSocket of its own. Returns its results, the last of which may be the errors that ended it. */
export async function subscribe(
  app: TestApp,
  operation: string,
  connectionParams: Record<string, unknown> = {},
  { headers = {}, variables = {} }: { headers?: Record<string, string>; variables?: Record<string, unknown> } = {},
): Promise<GraphqlAnswer[]> {
  class Socket extends WebSocket {
    constructor(url: string, protocols: string | string[]) {
      super(url, protocols, { headers });
    }
  }
  const url = `ws://127.0.0.1:${app.port}/graphql`;
  const client = createClient({ url, webSocketImpl: Socket, connectionParams, retryAttempts: 0 });
  const answers: GraphqlAnswer[] = [];
  try {
    for await (const answer of client.iterate({ query: operation, variables })) answers.push(answer as GraphqlAnswer);
  } catch (errors) {
    answers.push({ errors: errors as GraphqlAnswer['errors'] });
  } finally {
    await client.dispose();
  }
  return answers;
}

/** A graphql-ws client as in an application, except that it reconnects at once, and how its connections were closed. */
export function connect(app: TestApp, options: Omit<ClientOptions, 'url'>): Client & { readonly closes: Close[] } {
  const closes: Close[] = [];
  const client = createClient({
    webSocketImpl: WebSocket,
    retryWait: () => Promise.resolve(),
    ...options,
    url: `ws://127.0.0.1:${app.port}/graphql`,
  });
  client.on('closed', (event) => {
    const { code, reason } = event as Close;
    closes.push({ code, reason });
  });
  return Object.assign(client, { closes });
}

type Close = { readonly code: number; readonly reason: string };

/** The results of an operation over this client, the last of which may be the errors that ended it. */
export async function* answersOf(client: Client, operation: string): AsyncGenerator<GraphqlAnswer> {
  try {
    for await (const answer of client.iterate({ query: operation })) yield answer as GraphqlAnswer;
  } catch (errors) {
    yield { errors: errors as GraphqlAnswer['errors'] };
  }
}
