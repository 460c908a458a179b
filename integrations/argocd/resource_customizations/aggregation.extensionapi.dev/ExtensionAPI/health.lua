-- SPDX-License-Identifier: Apache-2.0
local hs = {}
local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end
local ready = conditions["Ready"]
local reconciling = conditions["Reconciling"]
local stalled = conditions["Stalled"]

if obj.spec ~= nil and obj.spec.suspend == true then
  hs.status = "Suspended"
  hs.message = "spec.suspend is true"
  if reconciling ~= nil and reconciling.reason == "Suspended" then
    hs.message = reconciling.message
  end
  -- Nothing is repaired meanwhile.
  if ready ~= nil and ready.status ~= "True" then
    hs.message = "Not ready: " .. ready.reason .. ". " .. hs.message
  end
  return hs
end

-- Before the operator has seen the object, observedGeneration is -1 and there are no conditions.
if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "Waiting for the operator to observe the ExtensionAPI"
  return hs
end

if stalled ~= nil and stalled.status == "True" then
  hs.status = "Degraded"
  hs.message = stalled.message
  return hs
end

if reconciling ~= nil and reconciling.status == "True" then
  hs.status = "Progressing"
  hs.message = reconciling.message
  return hs
end

if ready.status ~= "True" then
  hs.status = "Progressing"
  hs.message = ready.message
  return hs
end

-- The API is served. Ready does not depend on these conditions.
hs.status = "Healthy"
hs.message = ready.message
local separator = ", but "
local beside = {
  "DiscoveryWithinLimit", "ServesObjects", "NamespacesDeletable", "ControllersAvailable", "StorageAvailable",
}
for _, type in ipairs(beside) do
  local condition = conditions[type]
  if condition ~= nil and condition.status == "False" then
    hs.message = hs.message .. separator .. type .. " is False: " .. condition.message
    separator = " "
  end
end
return hs
