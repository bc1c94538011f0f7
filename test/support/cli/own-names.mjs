import { Controller, Get, Module } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { ClerkModule } from 'nest-clerk';

import { decorate } from './app.module.mjs';

class OwlsController {
  list() {}
}
decorate(OwlsController, [Controller('owls')], { list: [Get()] });

const keysFrom = (publishableKey, secretKey) =>
  ClerkModule.forRootAsync({
    imports: [ConfigModule.forRoot({ ignoreEnvFile: true })],
    inject: [ConfigService],
    useFactory: (config) => ({
      publishableKey: config.getOrThrow(publishableKey),
      secretKey: config.getOrThrow(secretKey),
    }),
  });

/** README's example. */
export default class OwlsModule {}
decorate(OwlsModule, [
  Module({ imports: [keysFrom('MY_CLERK_PUBLISHABLE_KEY', 'MY_CLERK_SECRET_KEY')], controllers: [OwlsController] }),
]);

export class ForeignKeyModule {}
decorate(ForeignKeyModule, [
  Module({ imports: [keysFrom('MY_CLERK_PUBLISHABLE_KEY', 'STRIPE_SECRET_KEY')], controllers: [OwlsController] }),
]);
