//! Who may do what (the guide's "Who sees what"): an officer decides the applications of their own agency, a supervisor
//! watches the agencies below their own, an admin runs the system and decides nothing. Whatever is not listed is refused.

use super::ids::{AgencyId, StaffId};

text_enum! {
    pub enum Role {
        Officer = "officer" => "Cán bộ",
        Supervisor = "supervisor" => "Giám sát",
        Admin = "admin" => "Quản trị",
    }
}

/// Everything a signed-in person can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    SeeApplications,
    EnterApplication,
    ReplacePhoto,
    Assess,
    /// Putting a decided application before its officer again.
    Reopen,
    /// Giving an application to another agency.
    Move,
    SeeAccounts,
    ActOnAccount,
    /// Where each message is on its way.
    SeeMessages,
    ResendMessage,
    /// How the queue and the gateways do.
    SeeQueue,
    /// Sending a trial message.
    TestGateway,
    ManageStaff,
    /// The days on which offices are closed.
    ManageHolidays,
    /// The words of what citizens are sent.
    ManageTexts,
    /// The programs that may use the interface.
    ManageApiKeys,
    /// Looking people up in the household registry and taking it out as a workbook.
    ManageRegistry,
    /// Bringing lists in from workbooks.
    Import,
    /// Counting the work: *Tổng quan* and the reports.
    SeeReports,
    /// Taking lists of applications out.
    Export,
    /// How many accounts each agency shall reach, and until when.
    SetTargets,
    /// Inviting people whose account nobody has used to install the app.
    Invite,
    ChangeOwnPassword,
}

impl Role {
    pub fn may(self, action: Action) -> bool {
        match action {
            Action::SeeApplications | Action::SeeAccounts => matches!(self, Self::Officer | Self::Supervisor),
            Action::EnterApplication | Action::ReplacePhoto | Action::Assess | Action::ActOnAccount => {
                self == Self::Officer
            }
            Action::Reopen | Action::Move | Action::Invite | Action::SeeReports | Action::Export => {
                self == Self::Supervisor
            }
            Action::ResendMessage => matches!(self, Self::Officer | Self::Supervisor),
            Action::SeeQueue | Action::SetTargets => matches!(self, Self::Supervisor | Self::Admin),
            Action::TestGateway
            | Action::ManageStaff
            | Action::ManageHolidays
            | Action::ManageTexts
            | Action::ManageApiKeys
            | Action::ManageRegistry
            | Action::Import => self == Self::Admin,
            Action::SeeMessages | Action::ChangeOwnPassword => true,
        }
    }
}

/// Whose applications a person sees. It becomes a condition in every query on applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Scope {
    /// One office.
    Agency(AgencyId),
    /// A province's office and all below it.
    Province(AgencyId),
    /// The centre: the whole country.
    Country,
    Nothing,
}

impl Scope {
    /// Whether an application of this office is within the scope. Queries have the same as a condition.
    pub fn covers(self, agency: AgencyId, province: Option<AgencyId>) -> bool {
        match self {
            Self::Agency(own) => own == agency,
            Self::Province(own) => Some(own) == province,
            Self::Country => true,
            Self::Nothing => false,
        }
    }

    /// The part of this scope that an agency is: the centre is the country, a province is itself and all below it, an office is
    /// itself. None when it is not within this scope.
    pub fn part(self, agency: AgencyId, province: Option<AgencyId>) -> Option<Self> {
        let part = match province {
            None => Self::Country,
            Some(province) if province == agency => Self::Province(province),
            Some(_) => Self::Agency(agency),
        };
        let is_within = match (self, part) {
            (Self::Country, _) => true,
            (Self::Nothing, _) | (_, Self::Country | Self::Nothing) => false,
            (Self::Agency(own), _) => own == agency,
            (Self::Province(own), _) => province == Some(own),
        };
        // Whoever sees only their own office sees no other of its province.
        is_within.then_some(if matches!(self, Self::Agency(_)) { self } else { part })
    }
}

/// The signed-in person, as known at this request.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Actor {
    pub id: StaffId,
    pub name: String,
    pub role: Role,
    pub agency_id: AgencyId,
    pub agency_name: String,
    /// The province-level office at or above the person's own; none at the centre.
    pub province_id: Option<AgencyId>,
    pub must_change_password: bool,
}

impl Actor {
    /// Whether this person may do it. A key of the interface reaches the whole country, the words of a text go to all of it, and
    /// so must whoever hands out the one or changes the others.
    pub fn may(&self, action: Action) -> bool {
        let concerns_country = matches!(action, Action::ManageApiKeys | Action::ManageTexts);
        self.role.may(action) && (!concerns_country || self.manages() == Scope::Country)
    }

    /// Whose applications this person sees.
    pub fn scope(&self) -> Scope {
        match self.role {
            Role::Officer => Scope::Agency(self.agency_id),
            Role::Supervisor => self.below(),
            Role::Admin => Scope::Nothing,
        }
    }

    /// Whose staff this person manages.
    pub fn manages(&self) -> Scope {
        if self.role == Role::Admin { self.below() } else { Scope::Nothing }
    }

    /// Whose messages this person sees. An admin sees where they are, to keep the gateways running, and not to whom they go.
    pub fn sees_messages_of(&self) -> Scope {
        if self.role == Role::Admin { self.below() } else { self.scope() }
    }

    /// For whose offices this person sets targets: those that they watch, or run.
    pub fn sets_targets_of(&self) -> Scope {
        if self.may(Action::SetTargets) { self.below() } else { Scope::Nothing }
    }

    /// Whether this person keeps the days on which offices are closed: they hold for the country, so only an admin of the
    /// centre does; the others look.
    pub fn keeps_holidays(&self) -> bool {
        self.manages() == Scope::Country
    }

    /// This person's office and all below it.
    fn below(&self) -> Scope {
        match self.province_id {
            None => Scope::Country,
            Some(province) if province == self.agency_id => Scope::Province(province),
            Some(_) => Scope::Agency(self.agency_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role, agency: i64, province: Option<i64>) -> Actor {
        Actor {
            id: StaffId(1),
            name: "Trần Thị Minh Hạnh".into(),
            role,
            agency_id: AgencyId(agency),
            agency_name: "Bảo hiểm xã hội cơ sở Ba Đình".into(),
            province_id: province.map(AgencyId),
            must_change_password: false,
        }
    }

    #[test]
    fn only_an_officer_decides_and_an_admin_sees_no_application() {
        assert!(Role::Officer.may(Action::Assess));
        assert!(!Role::Supervisor.may(Action::Assess));
        assert!(!Role::Admin.may(Action::Assess));
        assert!(!Role::Admin.may(Action::SeeApplications));
        assert_eq!(actor(Role::Admin, 1, None).scope(), Scope::Nothing);
        assert_eq!(actor(Role::Admin, 2, Some(2)).manages(), Scope::Province(AgencyId(2)));
        assert_eq!(actor(Role::Supervisor, 2, Some(2)).manages(), Scope::Nothing);
    }

    #[test]
    fn only_an_admin_of_the_centre_hands_out_keys_and_changes_texts() {
        for action in [Action::ManageApiKeys, Action::ManageTexts] {
            assert!(actor(Role::Admin, 1, None).may(action));
            assert!(!actor(Role::Admin, 2, Some(2)).may(action));
            assert!(!actor(Role::Supervisor, 1, None).may(action));
        }
        assert!(actor(Role::Admin, 2, Some(2)).may(Action::ManageStaff));
    }

    #[test]
    fn a_part_of_a_scope_is_within_it() {
        let (centre, province, office, other) = (AgencyId(1), AgencyId(2), AgencyId(7), AgencyId(9));
        let part = |scope: Scope, agency, of: Option<AgencyId>| scope.part(agency, of);
        assert_eq!(part(Scope::Country, centre, None), Some(Scope::Country));
        assert_eq!(part(Scope::Country, province, Some(province)), Some(Scope::Province(province)));
        assert_eq!(part(Scope::Province(province), province, Some(province)), Some(Scope::Province(province)));
        assert_eq!(part(Scope::Province(province), office, Some(province)), Some(Scope::Agency(office)));
        assert_eq!(part(Scope::Province(province), office, Some(other)), None);
        assert_eq!(part(Scope::Province(province), centre, None), None);
        assert_eq!(part(Scope::Agency(office), office, Some(province)), Some(Scope::Agency(office)));
        assert_eq!(part(Scope::Agency(office), province, Some(province)), None);
        assert_eq!(part(Scope::Nothing, office, Some(province)), None);
    }

    #[test]
    fn a_supervisor_sees_what_is_below_their_own_office_and_an_officer_only_their_own() {
        assert_eq!(actor(Role::Supervisor, 1, None).scope(), Scope::Country);
        assert_eq!(actor(Role::Supervisor, 2, Some(2)).scope(), Scope::Province(AgencyId(2)));
        assert_eq!(actor(Role::Supervisor, 7, Some(2)).scope(), Scope::Agency(AgencyId(7)));
        assert_eq!(actor(Role::Officer, 2, Some(2)).scope(), Scope::Agency(AgencyId(2)));
    }
}
