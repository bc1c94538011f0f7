/// <reference types="nest-clerk/express" />
import type { Request } from 'express';

/** Compiled inside a user's application: the reference line types `request.auth`. */
export function callerOf(request: Request): string | null {
  // @ts-expect-error there is no such property
  void request.auth.nonsense;
  return request.auth.userId ?? request.auth().userId;
}
