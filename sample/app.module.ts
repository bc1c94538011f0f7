import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { ClerkModule } from 'nest-clerk';

import { AccountController } from './account.controller.js';
import { InvoicesController } from './invoices/invoices.controller.js';
import { InvoicesService } from './invoices/invoices.service.js';
import { origins } from './origins.js';
import { PagesController } from './pages/pages.controller.js';
import { RatesController } from './rates.controller.js';

@Module({
  imports: [
    // Reads .env, where there is one, into the environment.
    ConfigModule.forRoot(),
    // This closes the application. The keys come from CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY.
    ClerkModule.forRootAsync({
      useFactory: () => ({
        // Session tokens of these pages, and of no others.
        authorizedParties: [...origins().all],
        // A stream ends with the session that opened it.
        endStreamsOnExpiry: true,
        // Who opens these pages switches to the organization in the URL.
        organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'], personalAccountPatterns: ['/personal'] },
      }),
    }),
  ],
  controllers: [PagesController, RatesController, AccountController, InvoicesController],
  providers: [InvoicesService],
})
export class AppModule {}
