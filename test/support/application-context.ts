import 'reflect-metadata';

import type { INestApplicationContext, ModuleMetadata } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';

/** An application without a server, whose one module holds this, and sees all that is in the application. */
export function contextOf({ imports = [], ...metadata }: ModuleMetadata): Promise<INestApplicationContext> {
  class Root {}
  return NestFactory.createApplicationContext(
    { module: Root, imports: [DiscoveryModule, ...imports], ...metadata },
    { logger: false, abortOnError: false },
  );
}
