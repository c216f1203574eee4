import { PERMISSIONS, ROLES, can, canGrant, permissionsOf } from './permissions.js';

describe('roles', () => {
  it('give owners everything and everybody the right to ask who they are', () => {
    expect(permissionsOf(['owner'])).toEqual([...PERMISSIONS]);
    expect(ROLES.every((role) => can([role], 'self:read'))).toBe(true);
  });

  it('keep apart who writes a campaign and who approves it', () => {
    expect(can(['campaign_manager'], 'approvals:decide')).toBe(false);
    expect(can(['compliance_officer'], 'approvals:decide')).toBe(true);
    expect(can(['compliance_officer'], 'campaigns:write')).toBe(false);
    expect(can(['compliance_officer'], 'campaigns:launch')).toBe(false);
  });

  it('let analysts and viewers change nothing', () => {
    const changing = PERMISSIONS.filter((permission) => !permission.endsWith(':read'));
    expect(changing.filter((permission) => can(['analyst', 'viewer'], permission))).toEqual([]);
  });

  it('hide personal data from viewers', () => {
    expect(can(['viewer'], 'contacts:read')).toBe(false);
    expect(can(['viewer'], 'users:read')).toBe(false);
  });

  it('add up, and nothing comes of none', () => {
    expect(can(['campaign_manager', 'compliance_officer'], 'approvals:decide')).toBe(true);
    expect(permissionsOf([])).toEqual([]);
    expect(can(['sultan' as never], 'self:read')).toBe(false);
  });

  it('can be handed out only by those who have as much', () => {
    expect(ROLES.every((role) => canGrant(['owner'], role))).toBe(true);
    expect(canGrant(['admin'], 'owner')).toBe(false);
    expect(canGrant(['admin'], 'admin')).toBe(true);
    expect(canGrant(['campaign_manager'], 'compliance_officer')).toBe(false);
    expect(canGrant(['campaign_manager'], 'viewer')).toBe(true);
    expect(canGrant([], 'viewer')).toBe(false);
  });
});
