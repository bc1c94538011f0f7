import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import type { TcpContext } from '@nestjs/microservices';
import { ClerkModule } from 'nest-clerk';

import { InvoicesController } from './invoices.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot(),
    ClerkModule.forRootAsync({
      useFactory: () => ({
        // Callers send their token in the metadata of a message, next to its payload.
        rpc: {
          credentials: (context) =>
            context.switchToRpc().getContext<TcpContext>().getMetadata()?.authorization as string,
        },
      }),
    }),
  ],
  controllers: [InvoicesController],
})
export class AppModule {}
