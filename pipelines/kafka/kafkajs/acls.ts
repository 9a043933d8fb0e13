import kafkajs from 'kafkajs'
import type { Admin } from 'kafkajs'
import type { Acl } from '../../../schemas/rights.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

const RESOURCES = {
  Topic: AclResourceTypes.TOPIC,
  Group: AclResourceTypes.GROUP,
  TransactionalId: AclResourceTypes.TRANSACTIONAL_ID,
} as const satisfies Record<Acl['resource'], number>

const PATTERNS = {
  literal: ResourcePatternTypes.LITERAL,
  prefixed: ResourcePatternTypes.PREFIXED,
} as const satisfies Record<Acl['pattern'], number>

const OPERATIONS = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Describe: AclOperationTypes.DESCRIBE,
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  AlterConfigs: AclOperationTypes.ALTER_CONFIGS,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
} as const satisfies Record<Acl['operation'], number>

const ANY_HOST = '*'

/** A right in the form in which Kafka keeps it, for comparison. */
const placeOf = (...parts: readonly (string | number)[]): string => parts.join(' ')

const wantedPlace = ({ principal, resource, name, pattern, operation }: Acl): string =>
  placeOf(principal, RESOURCES[resource], PATTERNS[pattern], name, OPERATIONS[operation])

/**
 * Grants what is missing of `acls`. Returns what it granted, and in words what their principals have besides them. It needs
 * Alter and Describe on the cluster; it never takes anything away.
 */
export async function grantAcls(
  admin: Admin,
  acls: readonly Acl[],
): Promise<{ readonly granted: readonly Acl[]; readonly beside: readonly string[] }> {
  const present = new Map<string, string>()
  for (const principal of new Set(acls.map((acl) => acl.principal))) {
    for (const [place, words] of await presentOf(admin, principal)) present.set(place, words)
  }
  const granted = acls.filter((acl) => !present.has(wantedPlace(acl)))
  if (granted.length > 0) {
    await admin.createAcls({
      acl: granted.map((acl) => ({
        principal: acl.principal,
        host: ANY_HOST,
        resourceType: RESOURCES[acl.resource],
        resourceName: acl.name,
        resourcePatternType: PATTERNS[acl.pattern],
        operation: OPERATIONS[acl.operation],
        permissionType: AclPermissionTypes.ALLOW,
      })),
    })
  }
  for (const acl of acls) present.delete(wantedPlace(acl))
  return { granted, beside: [...present.values()] }
}

async function presentOf(admin: Admin, principal: string): Promise<[place: string, words: string][]> {
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    principal,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  })
  return resources.flatMap(({ resourceType, resourcePatternType, resourceName, acls }) =>
    acls.map(({ operation, permissionType, host }): [string, string] => {
      const isPlain = permissionType === AclPermissionTypes.ALLOW && host === ANY_HOST
      const place = placeOf(principal, resourceType, resourcePatternType, resourceName, operation)
      const may = permissionType === AclPermissionTypes.ALLOW ? 'may' : 'may not'
      const what = `${nameOf(AclOperationTypes, operation)} on ${nameOf(AclResourceTypes, resourceType)} ${resourceName}`
      const kind = nameOf(ResourcePatternTypes, resourcePatternType)
      return [
        isPlain ? place : placeOf(place, permissionType, host),
        `${principal} ${may} ${what} (${kind}) from ${host}`,
      ]
    }),
  )
}

function nameOf(names: object, value: number): string {
  const found = Object.entries(names).find(([, number]) => number === value)
  return (found?.[0] ?? String(value)).toLowerCase()
}
