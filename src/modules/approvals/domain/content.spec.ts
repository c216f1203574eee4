import { canonicalJson, changedParts, hashContent, type ContentRows } from './content.js';

const rows = (over: Partial<ContentRows> = {}): ContentRows => ({
  campaign: {
    id: 'c',
    name: 'Spring',
    segment_id: 's',
    from_email: 'news@acme.example',
    start_date: '2030-01-07T09:00:00+01:00',
    status: 'draft',
  },
  segments: [
    { id: 's', rules: { all: [], any: [] } },
    { id: 't', rules: null },
  ],
  steps: [
    { id: '1', subject_line: 'Hello' },
    { id: '2', subject_line: 'Again' },
  ],
  variants: [],
  templates: [],
  ...over,
});
const campaign = (over: Record<string, unknown>) => rows({ campaign: { ...rows().campaign, ...over } });
const changed = (after: ContentRows) => changedParts(hashContent(rows()).parts, hashContent(after).parts);
const isSame = (after: ContentRows) => hashContent(rows()).hash.equals(hashContent(after).hash);

describe('what an approval is bound to', () => {
  it('is the same whatever order the database tells keys and segments in, and in whatever zone it writes an instant', () => {
    const { campaign: own, segments, ...others } = rows();
    const turned = Object.fromEntries(Object.entries(own).reverse());
    const before = { ...turned, start_date: '2030-01-07T08:00:00+00:00' };
    expect(isSame({ ...others, campaign: before, segments: [segments[1], { rules: { any: [], all: [] }, id: 's' }] })).toBe(true);
    expect(canonicalJson({ b: [undefined, { d: 1, c: undefined }], a: 'ä' })).toBe('{"a":"ä","b":[null,{"d":1}]}');
  });

  it('is not what the engine writes: an approved campaign is still approved once it runs', () => {
    expect(
      isSame(campaign({ status: 'active', total_contacts: 9, launched_at: '2030-01-08T00:00:00Z', last_edited_by: 'u', description: 'x' })),
    ).toBe(true);
  });

  it.each([
    ['settings', campaign({ name: 'Summer' })],
    ['settings', campaign({ a_column_of_tomorrow: true })],
    ['sender', campaign({ from_email: 'other@acme.example' })],
    ['schedule', campaign({ start_date: '2030-01-07T09:00:00+02:00' })],
    ['pacing', campaign({ send_rate_per_minute: 5 })],
    ['audience', campaign({ segment_id: 't' })],
    ['audience', rows({ segments: [{ id: 's', rules: { all: [{ type: 'tag' }] } }] })],
    ['steps', rows({ steps: [...rows().steps].reverse() })],
    ['variants', rows({ variants: [{ id: 'v', weight: 1 }] })],
    ['templates', rows({ templates: [{ content: 'x' }] })],
  ])('says that the %s changed', (part, after) => {
    expect(changed(after)).toEqual([part]);
    expect(isSame(after)).toBe(false);
  });

  it('takes a part that an older hash does not know for changed', () => {
    const { variants: _, ...older } = hashContent(rows()).parts;
    expect(changedParts(older, hashContent(rows()).parts)).toEqual(['variants']);
  });
});
