/** The routes of the API, and what they ask of their caller. */
const ROUTES = [
  { method: 'GET', path: '/rates', needs: 'nothing: it is public' },
  { method: 'GET', path: '/me', needs: 'a signed-in session' },
  { method: 'GET', path: '/invoices', needs: 'a signed-in session' },
  {
    method: 'POST',
    path: '/invoices',
    needs: 'the permission org:invoices:create in the active organization',
    body: { customer: 'Night Library', amountInCents: 2500 },
  },
  { method: 'GET', path: '/invoices/export', needs: 'an API key or a machine token, so browsers are refused' },
];

/** Headers that say why a call was refused. From another origin they are seen because the API exposes them. */
const REASONS = ['www-authenticate', 'x-clerk-auth-reason'];

/**
 * Adds a button for each route to a list, and shows what the route answers below the button.
 * @param prepare gives the headers of the next call
 */
export function addRouteButtons(list, apiUrl, prepare) {
  for (const { method, path, needs, body } of ROUTES) {
    const button = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: `${method} ${path}`,
    });
    const output = Object.assign(document.createElement('pre'), { role: 'status', hidden: true });
    const item = document.createElement('li');
    item.append(button, ` needs ${needs}`, output);
    list.append(item);
    button.addEventListener('click', async () => {
      Object.assign(output, { hidden: false, textContent: '…' });
      output.textContent = await call(`${apiUrl}${path}`, method, body, prepare);
    });
  }
}

async function call(url, method, body, prepare) {
  try {
    const headers = { ...(await prepare()), ...(body ? { 'Content-Type': 'application/json' } : {}) };
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const reasons = REASONS.filter((name) => answer.headers.has(name)).map(
      (name) => `${name}: ${answer.headers.get(name)}`,
    );
    return [`${answer.status} ${answer.statusText}`, ...reasons, JSON.stringify(await answer.json(), null, 2)].join(
      '\n',
    );
  } catch (error) {
    return `No answer: ${error.message}`;
  }
}
