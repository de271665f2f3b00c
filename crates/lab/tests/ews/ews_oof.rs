//! Automatic replies: told to their owner, changed by their owner, and held to the order of the schema.

use crate::said::{Said, between, codes};
use parom_lab::ews::{Config, Ews, User};
use parom_lab::exchange::Version;

const ALICE: &str = "alice@corp.example";

fn get(address: &str) -> String {
    format!(
        "<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>{address}</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>"
    )
}

fn set(settings: &str) -> String {
    format!(
        "<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>{ALICE}</t:Address></t:Mailbox><t:UserOofSettings>{settings}\
         </t:UserOofSettings></m:SetUserOofSettingsRequest>"
    )
}

#[tokio::test]
async fn automatic_replies_are_set_and_told_and_kept_for_their_owner() {
    let config = Config::new(Version::E2016).with(User::new(ALICE, "Alice")).with(User::new("bob@corp.example", "Bob"));
    let ews = Ews::start(config).await.unwrap();
    let alice = Said::by(ALICE);
    let told = alice.ask(&ews, &get(ALICE)).await;
    assert_eq!(codes(&told), ["NoError"]);
    assert!(told.contains("<t:OofState>Disabled</t:OofState>") && told.contains("<m:AllowExternalOof>All<"), "{told}");

    let replies = "<t:InternalReply><t:Message>&lt;p&gt;Нет&lt;/p&gt;</t:Message></t:InternalReply><t:ExternalReply>\
                   <t:Message/></t:ExternalReply>";
    let head = "<t:OofState>Scheduled</t:OofState><t:ExternalAudience>Known</t:ExternalAudience>";
    let duration = "<t:Duration><t:StartTime>2026-03-01T08:00:00Z</t:StartTime><t:EndTime>2026-03-02T11:00:00+03:00</t:EndTime>\
                    </t:Duration>";
    assert_eq!(codes(&alice.ask(&ews, &set(&format!("{head}{duration}{replies}"))).await), ["NoError"]);
    let told = alice.ask(&ews, &get(ALICE)).await;
    assert_eq!(between(&told, "<t:EndTime>", "<"), "2026-03-02T08:00:00Z");
    assert_eq!(between(&told, "<t:InternalReply><t:Message>", "</"), "&lt;p&gt;Нет&lt;/p&gt;");
    assert_eq!(ews.outlook(ALICE).oof().unwrap().audience, "Known");

    assert_eq!(codes(&alice.ask(&ews, &get("bob@corp.example")).await), ["ErrorAccessDenied"]);
    assert_eq!(codes(&alice.ask(&ews, &get("nobody@corp.example")).await), ["ErrorAccessDenied"]);
    let backwards = duration.replace("2026-03-02", "2026-02-02");
    let refused = alice.ask(&ews, &set(&format!("{head}{backwards}{replies}"))).await;
    assert_eq!(codes(&refused), ["ErrorInvalidScheduledOofDuration"]);
    for wrong in [
        format!("{duration}{head}"),
        "<t:OofState>Away</t:OofState><t:ExternalAudience>All</t:ExternalAudience>".to_owned(),
        "<t:OofState>Enabled</t:OofState>".to_owned(),
        format!("{head}<m:Duration/>"),
    ] {
        let refused = alice.ask(&ews, &set(&wrong)).await;
        assert!(refused.contains("ErrorSchemaValidation"), "{wrong}: {refused}");
    }
    ews.outlook(ALICE).set_oof(|oof| oof.allowed = "None".to_owned()).unwrap();
    assert!(alice.ask(&ews, &get(ALICE)).await.contains("<m:AllowExternalOof>None<"));
}
