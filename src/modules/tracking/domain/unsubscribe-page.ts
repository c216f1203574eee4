/**
 * The pages of `/u/:token`: plain HTML without scripts, cookies or anything loaded from elsewhere, so that they work in every mail client and
 * tell nobody about the visit. Following the link changes nothing (scanners follow every link); only the form's POST does.
 */
const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1c2330; background: #f4f5f7; }
main { max-width: 28rem; margin: 15vh auto 0; padding: 2rem; background: #fff; border-radius: 12px; box-shadow: 0 1px 4px #0002; }
h1 { margin: 0 0 .5rem; font-size: 1.35rem; }
p { margin: 0 0 1.25rem; }
button { font: inherit; font-weight: 600; padding: .7rem 1.4rem; color: #fff; background: #1d4ed8; border: 0; border-radius: 8px; cursor: pointer; }
button:focus-visible { outline: 3px solid #93b4ff; outline-offset: 2px; }
</style>
</head>
<body><main>
${body}
</main></body>
</html>
`;

/** The form posts to the address it stands on. */
export const ASK_PAGE = page(
  'Unsubscribe',
  `<h1>Unsubscribe?</h1>
<p>You will not get any more of these emails.</p>
<form method="post"><button type="submit" name="unsubscribe" value="1">Unsubscribe</button></form>`,
);

export const DONE_PAGE = page(
  'Unsubscribed',
  `<h1>You are unsubscribed</h1>
<p>You will not get any more of these emails. You can close this page.</p>`,
);

export const INVALID_PAGE = page(
  'Link not valid',
  `<h1>This link is not valid</h1>
<p>Part of the address seems to be missing or changed. Please open the link from the email again.</p>`,
);
