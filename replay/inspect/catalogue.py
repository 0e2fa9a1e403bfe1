"""The fifteen questions, in the order in which an inspector asks them."""

from __future__ import annotations

from replay.inspect import acts, company, people
from replay.inspect.model import Question

QUESTIONS: dict[str, type[Question]] = {
    "Q1": people.LastActivity,
    "Q2": people.Consents,
    "Q3": people.Sends,
    "Q4": people.AfterNo,
    "Q5": people.Held,
    "Q6": acts.Consultations,
    "Q7": acts.Requests,
    "Q8": acts.Erasures,
    "Q9": acts.Recipients,
    "Q10": company.Policy,
    "Q11": people.Believed,
    "Q12": company.Integrity,
    "Q13": company.Never,
    "Q14": company.Register,
    "Q15": company.Assessments,
}

OF_THE_STORE = ("Q8", "Q12", "Q13")
"""Those that also tell what the store's own checks found."""
