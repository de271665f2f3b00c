//! GetFolder: <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation>.

use super::{Folder, FolderRef, Operation, Outcome, outcomes, write_folder_shape};
use crate::classify::About;
use crate::version::Version;
use crate::xml::{Element, Out};

#[derive(Clone, Debug)]
pub struct GetFolder {
    pub folders: Vec<FolderRef>,
}

impl Operation for GetFolder {
    const NAME: &'static str = "GetFolder";
    const ABOUT: About = About::Account;
    type Answer = Vec<Outcome<Folder>>;

    fn write(&self, out: &mut Out, _: Version) {
        out.within("m:GetFolder", &[], |out| {
            write_folder_shape(out);
            out.within("m:FolderIds", &[], |out| self.folders.iter().for_each(|folder| folder.write(out)));
        });
    }

    fn read(&self, response: &Element) -> Option<Self::Answer> {
        outcomes(response, |message| Folder::read(message.child("Folders")?.children.first()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::testing::read;

    #[test]
    fn a_folder_is_known_by_its_class_and_rights() {
        let ask = GetFolder { folders: vec![FolderRef::Known("calendar"), FolderRef::Known("deleteditems")] };
        let answer = read(
            &ask,
            r#"<m:GetFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Folders>
            <t:CalendarFolder><t:FolderId Id="AQ==" ChangeKey="B"/><t:ParentFolderId Id="ROOT"/>
            <t:FolderClass>IPF.Appointment</t:FolderClass><t:DisplayName>Календарь</t:DisplayName><t:EffectiveRights>
            <t:CreateContents>true</t:CreateContents><t:Modify>false</t:Modify></t:EffectiveRights></t:CalendarFolder>
            </m:Folders></m:GetFolderResponseMessage><m:GetFolderResponseMessage ResponseClass="Error"><m:MessageText>No
            such folder.</m:MessageText><m:ResponseCode>ErrorFolderNotFound</m:ResponseCode></m:GetFolderResponseMessage>"#,
        );
        let folder = answer[0].clone().unwrap();
        assert!(folder.is_calendar() && !folder.writable);
        assert_eq!((folder.name.as_str(), folder.id.as_str(), folder.parent.as_str()), ("Календарь", "AQ==", "ROOT"));
        assert_eq!(answer[1].clone().unwrap_err().code, "ErrorFolderNotFound");
    }
}
