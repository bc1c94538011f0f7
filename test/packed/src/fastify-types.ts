/// <reference types="nest-clerk/fastify" />
import type { FastifyRequest } from 'fastify';

/** Compiled inside a user's application: the reference line types `request.auth`. */
export function callerOf(request: FastifyRequest): string | null {
  // @ts-expect-error there is no such property
  void request.auth.nonsense;
  return request.auth.userId ?? request.auth().userId;
}
