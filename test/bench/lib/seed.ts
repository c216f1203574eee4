import type { Cluster } from './cluster.js';

/** Fills `contacts` by one statement: names, attributes as the benchmark's message and rules use them, every second one `pro`. */
export async function seedContacts(cluster: Cluster, tenantId: string, count: number, group = 'all'): Promise<void> {
  await cluster.sql.query(
    `INSERT INTO contacts (tenant_id, email, email_norm, first_name, last_name, attributes)
     SELECT $1, format('%s.%s@mail.example', $3::text, i), format('%s.%s@mail.example', $3::text, i), 'Ada ' || i, 'Lovelace', jsonb_build_object(
       'group', $3::text, 'plan', CASE WHEN i % 2 = 0 THEN 'pro' ELSE 'free' END, 'city', 'Köln', 'company', 'Company ' || i % 1000,
       'product', 'Product ' || i % 50, 'coupon', upper(substr(md5(i::text), 1, 8)), 'points', i % 977)
     FROM generate_series(1, $2::int) i`,
    [tenantId, count, group],
  );
}

export const inGroup = (group: string) => ({ type: 'contact_attribute', attribute: 'group', operator: 'eq', value: group });
