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
    // Loads the .env file, if there is one.
    ConfigModule.forRoot(),
    // Requires sign-in for every route. The keys come from CLERK_PUBLISHABLE_KEY and CLERK_SECRET_KEY.
    ClerkModule.forRootAsync({
      useFactory: () => ({
        // Only session tokens that were issued for these origins are accepted.
        authorizedParties: [...origins().all],
        // A stream ends when the session token that opened it expires.
        endStreamsOnExpiry: true,
        // Opening these pages switches to the organization in the URL.
        organizationSyncOptions: { organizationPatterns: ['/orgs/:slug'], personalAccountPatterns: ['/personal'] },
      }),
    }),
  ],
  controllers: [PagesController, RatesController, AccountController, InvoicesController],
  providers: [InvoicesService],
})
export class AppModule {}
