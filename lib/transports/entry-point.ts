import type { Type } from '@nestjs/common';

import type { HttpRouting } from './http/http-paths.js';

/** One way to call a handler. */
export interface EntryPoint {
  readonly method: string;
  readonly path: string;
  readonly version?: readonly string[];
  readonly host?: readonly string[];
  readonly namespace?: string;
}

/** The routing configuration of the application. */
export interface Routing extends HttpRouting {
  /** The `RouterModule` paths of the modules that a class belongs to; `undefined` for a module without one. */
  modulePathsOf(type: Type): readonly (string | undefined)[];
}
