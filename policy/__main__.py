"""The policy pack: rules.py, made mandatory. Building a PolicyPack serves it and does not return."""

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from rules import (  # type: ignore[import-not-found] # Pulumi runs this folder as a program of its own
    RULES,
    STACK_RULES,
    Planned,
    Rule,
    StackRule,
)


def _resource_policy(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for message in rule.check(Planned(args.resource_type, args.name, args.props)):
            report(message, None)

    return ResourceValidationPolicy(rule.name, rule.description, validate, EnforcementLevel.MANDATORY)


def _stack_policy(rule: StackRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        planned = [Planned(r.resource_type, r.name, r.props) for r in args.resources]
        for message in rule.check(planned):
            report(message, None)

    return StackValidationPolicy(rule.name, rule.description, validate, EnforcementLevel.MANDATORY)


POLICIES: list[Policy] = [*map(_resource_policy, RULES), *map(_stack_policy, STACK_RULES)]
PolicyPack("gpu-metal", POLICIES)
