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

/**
 * Adds a button for each route to a list, and shows what the route answers.
 * @param prepare gives the headers of the next call
 */
export function addRouteButtons(list, output, apiUrl, prepare) {
  for (const { method, path, needs, body } of ROUTES) {
    const button = Object.assign(document.createElement('button'), {
      type: 'button',
      textContent: `${method} ${path}`,
    });
    const item = document.createElement('li');
    item.append(button, ` needs ${needs}`);
    list.append(item);
    button.addEventListener('click', async () => {
      output.textContent = `${method} ${path} …`;
      output.textContent = `${method} ${path}\n${await call(`${apiUrl}${path}`, method, body, prepare)}`;
    });
  }
}

async function call(url, method, body, prepare) {
  try {
    const headers = { ...(await prepare()), ...(body ? { 'Content-Type': 'application/json' } : {}) };
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    return `${answer.status} ${answer.statusText}\n${JSON.stringify(await answer.json(), null, 2)}`;
  } catch (error) {
    return `No answer: ${error.message}`;
  }
}
