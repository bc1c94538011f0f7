import { ClerkBrowser, expiryOf } from './clerk-browser.js';
import { addRouteButtons } from './routes.js';

const cookie = (name) => new RegExp(`(?:^|; )${name}=([^;]*)`).exec(document.cookie)?.[1];
const show = (id) => Object.assign(document.getElementById(id), { hidden: false });

const session = await (await fetch('/session')).json();
const clerk = session.clerkUrl && new ClerkBrowser(session.clerkUrl, cookie('__clerk_db_jwt'));
document.getElementById('who').textContent = session.user
  ? `You are ${session.user.name}, ${session.organization ? `at ${session.organization}` : 'at no organization'}.`
  : 'Nobody is signed in.';

if (session.user) {
  for (const { name, slug } of session.organizations) addLink(`/orgs/${slug}`, name, slug === session.organization);
  addLink('/personal', 'No organization', !session.organization);
  show('organizations');
  // With a real instance, signing out is the frontend's.
  if (clerk) show('sign-out').addEventListener('click', signOut);
} else {
  show('sign-in');
}

if (session.frontendUrl) {
  show('other-origin');
  document.getElementById('frontend').href = session.frontendUrl;
}

addRouteButtons(document.getElementById('routes'), '', async () => {
  await freshenCookie();
  return {};
});
document.body.dataset.ready = 'true';

function addLink(href, textContent, isActive) {
  const link = Object.assign(document.createElement('a'), { href, textContent });
  if (isActive) link.setAttribute('aria-current', 'true');
  const item = document.createElement('li');
  item.append(link);
  document.getElementById('organization-links').append(item);
}

/** Navigations are refreshed by the server; while a page stays open, its cookie is renewed by the page, as Clerk's SDK does. */
async function freshenCookie() {
  const token = cookie('__session');
  if (!clerk || !token || expiryOf(token) > Date.now()) return;
  document.cookie = `__session=${(await clerk.getToken()) ?? ''}; Path=/; SameSite=Lax`;
}

/** The navigation with the browser's name in the URL makes the server ask Clerk anew, and clear its cookies. */
async function signOut() {
  await clerk.signOut();
  location.assign(`/?__clerk_db_jwt=${cookie('__clerk_db_jwt')}`);
}
